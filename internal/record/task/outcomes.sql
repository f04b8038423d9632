-- Reads a tenant's results by id, with their outputs; ids without a result, and
-- those of other tenants, are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id (see inputs.sql).
select
    r.id,
    r.tenant_id,
    r.status,
    r.attempt,
    coalesce(r.worker_id, 0) as worker_id,
    r.assigned_at,
    r.started_at,
    r.finished_at,
    coalesce(r.error, '') as error,
    r.output
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.task_result
    where task_result.id = wanted.id
    limit 1
) as r
where r.tenant_id = $1
