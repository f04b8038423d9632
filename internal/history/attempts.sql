-- Reads the attempts of a tenant's task that ended without ending it, in order.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows, by primary key.
select
    task_id,
    tenant_id,
    number,
    outcome,
    coalesce(worker_id, 0) as worker_id,
    assigned_at,
    started_at,
    finished_at,
    retry_at,
    error
from adze.attempt
where
    task_id = $2
    and tenant_id = $1
order by number
limit $3
