-- Reads a tenant by its name.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select
    id,
    uuid,
    shard,
    name,
    created_at
from adze.tenant
where name = $1
