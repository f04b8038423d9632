-- Reads what a durable task published last under a name.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key.
select
    task_id,
    tenant_id,
    at,
    name,
    data
from adze.durable_value
where
    task_id = $1
    and name = $2
