-- Tells which ids are tasks of a tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id (see inputs.sql).
select t.id
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select
        task.id,
        task.tenant_id
    from adze.task
    where task.id = wanted.id
    limit 1
) as t
where t.tenant_id = $1
