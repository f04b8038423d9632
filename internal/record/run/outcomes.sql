-- Reads how a tenant's runs of graphs ended, by id; ids without a result, and those
-- of other tenants, are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: two look-ups by primary key per id (see by_id.sql).
select
    e.id,
    e.tenant_id,
    r.version_id,
    e.status,
    e.finished_at,
    coalesce(e.error, '') as error
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.run_result
    where run_result.id = wanted.id
    limit 1
) as e
cross join lateral (
    select run.version_id
    from adze.run
    where run.id = wanted.id
    limit 1
) as r
where e.tenant_id = $1
