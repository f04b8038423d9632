-- Reads the rows of a shard that have places in limits and do not run, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the places of the shard's limits, through open_task_holding_idx.
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
    and passed > 0
    and state <> 'running'
order by id
