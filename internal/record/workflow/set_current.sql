-- Makes a version the one that new runs get.
-- Writes: adze.workflow. Locks: the row, locked already.
-- Bound: one row.
update adze.workflow
set current_id = $2
where id = $1
