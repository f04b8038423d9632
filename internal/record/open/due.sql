-- Reads what falls due: ready, delayed and waiting rows with a due time, in the order
-- (due time, id), strictly after a place in it and at most up to a time.
-- Writes: nothing. Locks: nothing.
-- Bound: $5 rows, one range of open_task_due_idx.
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
    and state <> 'running'
    and due_at > 0
    and (due_at, id) > ($2::bigint, $3::bigint)
    and due_at <= $4
order by
    due_at,
    id
limit $5
