-- Reads a tenant's webhooks by name, of some sources and of some names; an empty list is
-- all.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 rows.
select
    id,
    tenant_id,
    created_at,
    updated_at,
    answers_event,
    name,
    source,
    key_expression,
    scope_expression,
    auth_type,
    auth,
    static_payload
from adze.webhook
where
    tenant_id = $1
    and (cardinality($2::text[]) = 0 or source = any($2::text[]))
    and (cardinality($3::text[]) = 0 or name = any($3::text[]))
order by name
limit $4
