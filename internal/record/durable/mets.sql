-- Reads which conditions of a task were met, in the order in which they were.
-- Writes: nothing. Locks: nothing.
-- Bound: the met conditions of one task, one range of the primary key of one partition.
select
    task_id,
    tenant_id,
    coalesce(event_id, 0) as event_id,
    met_order,
    at,
    index,
    condition,
    data
from adze.condition_met
where task_id = $1
order by met_order
