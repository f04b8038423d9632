-- Reads the rows of a shard that a worker has, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the slots of the shard's workers, through open_task_running_idx.
select
    id,
    version_id,
    node,
    due_at,
    priority,
    attempt,
    failures,
    entries,
    waits,
    binds,
    passed,
    rank,
    flow,
    suspensions,
    tenant_id,
    worker_id,
    token,
    assigned_at,
    state,
    queue,
    key,
    cancel,
    batch
from adze.open_task
where
    shard = $1
    and state = 'running'
order by id
