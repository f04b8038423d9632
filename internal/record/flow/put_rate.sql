-- Writes what was drawn from keys of rate limits, given as one array per column, over what
-- is there. No key may come twice.
-- Writes: adze.rate_state. Locks: the rows, in the order of the arrays (tenant, name, key).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.rate_state (
    tenant_id,
    debt,
    since_at,
    period_ms,
    shard,
    units_max,
    name,
    key
)
select
    tenant_id,
    debt,
    since_at,
    period_ms,
    shard,
    units_max,
    name,
    key
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::integer[],
    $7::text[],
    $8::text[]
) as new (tenant_id, debt, since_at, period_ms, shard, units_max, name, key)
on conflict (tenant_id, name, key) do update
set
    debt = excluded.debt,
    since_at = excluded.since_at,
    period_ms = excluded.period_ms,
    units_max = excluded.units_max
