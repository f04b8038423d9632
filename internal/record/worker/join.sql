-- Records a worker's session: a row at the first, an update at the next ones. It tells
-- whether the worker was paused while it was away.
-- Writes: adze.worker. Locks: the row.
-- Bound: one row.
insert into adze.worker (
    id,
    tenant_id,
    joined_at,
    slots,
    name,
    sdk,
    actions,
    labels,
    slot_types,
    runtime
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update
set
    joined_at = excluded.joined_at,
    slots = excluded.slots,
    name = excluded.name,
    sdk = excluded.sdk,
    actions = excluded.actions,
    labels = excluded.labels,
    slot_types = excluded.slot_types,
    runtime = excluded.runtime,
    left_at = null
where worker.tenant_id = excluded.tenant_id
returning worker.paused
