-- Deletes closing rows by task; tasks without one are passed over.
-- Writes: adze.closing. Locks: the rows, in ascending tasks.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.closing
where task_id = any($1::bigint[])
