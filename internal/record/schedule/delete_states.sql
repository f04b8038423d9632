-- Deletes where schedules stood by id; ids without a row are passed over.
-- Writes: adze.schedule_state. Locks: the rows, in ascending ids.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.schedule_state
where id = any($1::bigint[])
