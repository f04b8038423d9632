-- Reads the rows of a shard that have places in limits and do not run, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the places of the shard's limits, through open_task_holding_idx.
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
    and passed > 0
    and state <> 'running'
order by id
