-- Reads all that a task spawned, by key.
-- Writes: nothing. Locks: nothing.
-- Bound: the children of one task, one range of the primary key of one partition.
select
    run_id,
    cancel,
    key
from adze.child
where parent_id = $1
order by key
