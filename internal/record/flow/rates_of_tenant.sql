-- Reads where keys of a tenant's rate limits stand that are not full: of one, and of those
-- whose names begin with its name and a colon.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows.
select
    tenant_id,
    name,
    key,
    debt,
    since_at,
    period_ms,
    units_max
from adze.rate_state
where
    tenant_id = $1
    and (name = $2 or starts_with(name, $2 || ':'))
order by
    name,
    key
limit $3
