-- Reads which runs of a tenant hold the keys, in any order.
-- Writes: nothing. Locks: nothing.
-- Bound: the keys asked for, those of one call (edge/admit, RunsMax); a look-up by index each.
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
    tenant_id = $1
    and key = any($2::text[])
    and replaced_by is null
