-- Reads a tenant's results of a range of ids, with their outputs, ids ascending: what
-- the tasks of a run of a graph gave.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 rows, one range of the primary key of one partition.
select
    id,
    tenant_id,
    status,
    attempt,
    coalesce(worker_id, 0) as worker_id,
    assigned_at,
    started_at,
    finished_at,
    coalesce(error, '') as error,
    output
from adze.task_result
where
    tenant_id = $1
    and id >= $2
    and id <= $3
order by id
limit $4
