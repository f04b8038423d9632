-- Deletes what runs hold; runs without a row are passed over.
-- Writes: adze.idempotency. Locks: the rows, in ascending runs.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.idempotency
where run_id = any($1::bigint[])
