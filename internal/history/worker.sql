-- Reads a worker of a tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by primary key.
select
    id,
    joined_at,
    left_at,
    paused,
    slots,
    name,
    sdk,
    actions,
    labels,
    slot_types,
    runtime
from adze.worker
where
    id = $2
    and tenant_id = $1
