-- Reads one webhook.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
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
    and name = $2
