-- Reads the keys that runs held until they ended, in any order.
-- Writes: nothing. Locks: nothing.
-- Bound: the runs asked for (core.onceSweepMax); a look-up by primary key each.
select
    run_id,
    tenant_id,
    0::bigint as replaced_by,
    coalesce(until_at, 0) as until_at,
    coalesce(first_at, 0) as first_at,
    hold,
    key
from adze.idempotency
where
    run_id = any($1::bigint[])
    and hold <> 'ttl'
    and replaced_by is null
