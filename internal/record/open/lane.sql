-- Reads a window of a lane: ready rows in lane order, strictly after a place in it.
-- Writes: nothing. Locks: nothing.
-- Bound: $7 rows, one range of open_task_lane_idx at any depth of the lane.
select
    id,
    tenant_id,
    version_id,
    coalesce(id - 1 - node, 0) as run_id,
    worker_id,
    token,
    due_at,
    assigned_at,
    priority,
    attempt,
    failures,
    coalesce(node, 0) as node,
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
    batch
from adze.open_task
where
    shard = $1
    and tenant_id = $2
    and queue = $3
    and key = $4
    and state = 'ready'
    and (rank, id) > ($5::bigint, $6::bigint)
order by
    rank,
    id
limit $7
