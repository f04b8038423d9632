-- Reads tenants by their ids.
-- Writes: nothing. Locks: nothing.
-- Bound: the ids that are given.
select
    id,
    uuid,
    shard,
    name,
    created_at
from adze.tenant
where id = any($1::bigint[])
