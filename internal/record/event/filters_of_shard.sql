-- Reads the filters of all tenants of a shard, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the filters of the shard (shard.FiltersMax a tenant), once per take-over.
select
    f.id,
    f.tenant_id,
    f.created_at,
    f.workflow,
    f.scope,
    f.expression,
    f.payload,
    f.declared,
    f.updated_at
from adze.tenant as t
inner join adze.event_filter as f on f.tenant_id = t.id
where t.shard = $1
order by f.id
