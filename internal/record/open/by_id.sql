-- Reads checkpoint rows by id; ids without one are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id.
select
    o.id,
    o.tenant_id,
    o.version_id,
    o.node,
    o.worker_id,
    o.token,
    o.due_at,
    o.assigned_at,
    o.priority,
    o.attempt,
    o.failures,
    o.state,
    o.queue,
    o.key,
    o.cancel,
    o.entries,
    o.waits,
    o.binds,
    o.passed,
    o.rank,
    o.flow,
    o.batch,
    o.suspensions
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.open_task
    where open_task.id = wanted.id
    limit 1
) as o
