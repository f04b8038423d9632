-- Writes a tenant, unless one with that id, UUID or name is there.
-- Writes: adze.tenant. Locks: the row.
-- Bound: one row.
insert into adze.tenant (
    id,
    uuid,
    shard,
    name,
    created_at
)
values ($1, $2, $3, $4, $5)
on conflict do nothing
