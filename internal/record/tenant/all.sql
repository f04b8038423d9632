-- Reads all tenants, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the number of tenants, at start.
select
    id,
    uuid,
    shard,
    name,
    created_at
from adze.tenant
order by id
