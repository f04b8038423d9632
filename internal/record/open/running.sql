-- Reads the rows of a shard that a worker has, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the slots of the shard's workers, through open_task_running_idx.
select
    id,
    tenant_id,
    version_id,
    node,
    worker_id,
    token,
    due_at,
    assigned_at,
    priority,
    attempt,
    failures,
    state,
    queue,
    key,
    cancel,
    entries,
    waits,
    binds,
    passed,
    rank,
    flow,
    batch,
    suspensions
from adze.open_task
where
    shard = $1
    and state = 'running'
order by id
