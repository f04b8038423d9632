-- Reads one filter of a tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by primary key.
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
where id = $2 and tenant_id = $1
