-- Reads checkpoint rows of runs by id, ids ascending, with what their rows of
-- run say; ids without one are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: two look-ups by primary key per id (see by_id.sql).
select
    o.id,
    o.tenant_id,
    o.version_id,
    o.run_at,
    o.priority,
    o.key,
    o.cancel,
    r.scopes,
    o.passed,
    r.flow
from adze.open_run as o
left join lateral (
    select
        run.scopes,
        run.flow
    from adze.run
    where run.id = o.id
    limit 1
) as r on true
where o.id = any($1::bigint[])
order by o.id
