-- Reads a page of a tenant's filters, ids ascending, of one workflow or of all.
-- Writes: nothing. Locks: nothing.
-- Bound: the filters of the tenant (shard.FiltersMax), one range of its index.
select
    id,
    tenant_id,
    created_at,
    workflow,
    scope,
    expression,
    payload,
    declared,
    updated_at
from adze.event_filter
where
    tenant_id = $1
    and id > $2
    and ($3 = '' or workflow = $3)
order by id
limit $4
