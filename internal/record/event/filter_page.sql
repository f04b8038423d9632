-- Reads a page of a tenant's filters, newest first, with how many there are in all.
-- Writes: nothing. Locks: nothing.
-- Bound: the filters of the tenant (shard.FiltersMax), of which a page is returned.
select
    id,
    tenant_id,
    created_at,
    workflow,
    scope,
    expression,
    payload,
    declared,
    updated_at,
    count(*) over ()
from adze.event_filter
where
    tenant_id = $1
    and ($2::text[] is null or workflow = any($2))
    and ($3::text[] is null or scope = any($3))
order by id desc
offset $4
limit $5
