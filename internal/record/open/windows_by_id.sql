-- Reads windows of lanes where ranks do not count: those of limits that keep the order of
-- ids. Otherwise as windows.sql.
-- Writes: nothing. Locks: nothing.
-- Bound: $6 rows a lane, one range of open_task_limit_idx at any depth of it.
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
from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[])
    with ordinality as wanted (tenant_id, queue, key, id, place)
cross join lateral (
    select *
    from adze.open_task
    where
        open_task.shard = $1
        and open_task.tenant_id = wanted.tenant_id
        and open_task.queue = wanted.queue
        and open_task.key = wanted.key
        and open_task.state = 'ready'
        and open_task.queue like '@limit %' -- as the index says
        and open_task.id > wanted.id
    order by open_task.id
    limit $6
) as o
