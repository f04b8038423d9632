-- Deletes schedules by id; ids without a row are passed over.
-- Writes: adze.schedule. Locks: the rows, in ascending ids.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.schedule
where id = any($1::bigint[])
