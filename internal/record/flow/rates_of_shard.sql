-- Reads what was drawn from the rate limits of all tenants of a shard.
-- Writes: nothing. Locks: nothing.
-- Bound: the keys that are not full (core.RateKeysMax), once per take-over.
select
    tenant_id,
    name,
    key,
    debt,
    since_at,
    period_ms,
    units_max
from adze.rate_state
where shard = $1
order by
    tenant_id,
    name,
    key
