-- Deletes checkpoint rows of runs by id; ids without one are passed over.
-- Writes: adze.open_run. Locks: the rows, in ascending ids.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.open_run
where id = any($1::bigint[])
