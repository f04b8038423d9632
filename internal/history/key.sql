-- Reads the idempotency key that a run holds, and until when.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key.
select
    key,
    coalesce(until_at, 0)
from adze.idempotency
where
    run_id = $2
    and tenant_id = $1
    and hold <> 'quiet'
    and replaced_by is null
