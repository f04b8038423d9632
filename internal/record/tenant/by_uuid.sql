-- Reads a tenant by the UUID that its tokens name.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select
    id,
    uuid,
    shard,
    name,
    created_at
from adze.tenant
where uuid = $1
