-- Reads the keys of a shard that are free by a time, by that time.
-- Writes: nothing. Locks: nothing.
-- Bound: limit (core's window), one range of an index.
select
    run_id,
    tenant_id,
    0::bigint as replaced_by,
    until_at,
    coalesce(first_at, 0) as first_at,
    hold,
    key
from adze.idempotency
where
    shard = $1
    and until_at <= $2
    and replaced_by is null
order by idempotency.until_at
limit $3
