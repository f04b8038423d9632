-- Reads the runs of a shard that were replaced and are still to be cancelled.
-- Writes: nothing. Locks: nothing.
-- Bound: the rows, which are there for moments only; once per take-over.
select
    run_id,
    tenant_id,
    replaced_by,
    0::bigint as until_at,
    0::bigint as first_at,
    hold,
    key
from adze.idempotency
where
    shard = $1
    and replaced_by is not null
order by run_id
