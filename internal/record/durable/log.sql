-- Reads the log of a durable task, by index.
-- Writes: nothing. Locks: nothing.
-- Bound: the entries of one task, one range of the primary key of one partition.
select
    task_id,
    tenant_id,
    at,
    index,
    kind,
    name,
    coalesce(error, '') as error,
    data,
    conditions
from adze.durable_entry
where task_id = $1
order by index
