-- Reads how things work, of all tenants of a shard: for all keys before single ones.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's settings, once per take-over.
select
    tenant_id,
    declared,
    kind,
    name,
    key,
    setting
from adze.setting
where shard = $1
order by
    tenant_id,
    kind,
    name,
    key,
    declared
