-- Records what a worker says of itself, whether it is there or not: a new one is not yet.
-- Writes: adze.worker. Locks: the row.
-- Bound: one row.
insert into adze.worker (
    id,
    tenant_id,
    joined_at,
    left_at,
    slots,
    name,
    sdk,
    actions,
    labels,
    slot_types,
    runtime
)
values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update
set
    slots = excluded.slots,
    name = excluded.name,
    sdk = excluded.sdk,
    actions = excluded.actions,
    labels = excluded.labels,
    slot_types = excluded.slot_types,
    runtime = excluded.runtime
where worker.tenant_id = excluded.tenant_id
returning worker.paused
