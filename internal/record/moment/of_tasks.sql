-- Reads the newest moments of a tenant's tasks: of each by assignment, kind and deadline.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows of each task, by primary key.
select
    m.task_id,
    m.tenant_id,
    m.worker_id,
    m.token,
    m.happened_at,
    m.deadline,
    coalesce(m.by_ms, 0) as by_ms,
    coalesce(m.assigned_at, 0) as assigned_at,
    coalesce(m.started_at, 0) as started_at,
    m.attempt,
    m.kind
from unnest($2::bigint[]) as wanted (task_id)
cross join lateral (
    select *
    from adze.moment as one
    where
        one.task_id = wanted.task_id
        and one.tenant_id = $1
    order by one.token desc, one.kind desc, one.deadline desc
    limit $3
) as m
order by m.task_id, m.happened_at, m.token, m.kind, m.deadline
