-- Reads what falls due: ready, delayed and waiting rows with a due time, in the order
-- (due time, id), strictly after a place in it and at most up to a time.
-- Writes: nothing. Locks: nothing.
-- Bound: $5 rows, one range of open_task_due_idx.
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
    and state <> 'running'
    and due_at > 0
    and (due_at, id) > ($2::bigint, $3::bigint)
    and due_at <= $4
order by
    due_at,
    id
limit $5
