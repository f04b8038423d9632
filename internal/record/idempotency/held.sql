-- Reads keys of a shard that are held, those that are free first before the others.
-- Writes: nothing. Locks: nothing.
-- Bound: limit (core.OnceKeysMax), once per take-over.
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
    shard = $1
    and replaced_by is null
order by idempotency.until_at
limit $2
