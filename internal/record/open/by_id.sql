-- Reads checkpoint rows by id; ids without one are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id.
select
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
    o.suspensions,
    o.tenant_id,
    o.worker_id,
    o.token,
    o.assigned_at,
    o.state,
    o.queue,
    o.key,
    o.cancel,
    o.batch
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.open_task
    where open_task.id = wanted.id
    limit 1
) as o
