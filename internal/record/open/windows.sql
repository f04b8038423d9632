-- Reads windows of lanes: of each, ready rows in lane order, strictly after a place in
-- it. A lane comes back as its place among the given ones; what all its rows have in common
-- is left out, and so is what only a task has that runs.
-- Writes: nothing. Locks: nothing.
-- Bound: $7 rows a lane, one range of open_task_lane_idx at any depth of it. No order is
-- asked for between lanes: a sort of all rows costs more than to read them.
select
    wanted.place,
    o.id,
    o.version_id,
    o.node,
    o.due_at,
    o.priority,
    o.attempt,
    o.failures,
    o.entries,
    o.waits,
    o.binds,
    o.passed,
    o.rank,
    o.flow,
    o.suspensions
from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    with ordinality as wanted (tenant_id, queue, key, rank, id, place)
cross join lateral (
    select *
    from adze.open_task
    where
        open_task.shard = $1
        and open_task.tenant_id = wanted.tenant_id
        and open_task.queue = wanted.queue
        and open_task.key = wanted.key
        and open_task.state = 'ready'
        and (open_task.rank, open_task.id) > (wanted.rank, wanted.id)
    order by
        open_task.rank,
        open_task.id
    limit $7
) as o
