-- Reads of which tasks of a shard the children are still to be cancelled.
-- Writes: nothing. Locks: nothing.
-- Bound: the whole table, once per take-over: a row is there for moments only.
select
    task_id,
    tenant_id,
    whole,
    reason
from adze.closing
where shard = $1
order by task_id
