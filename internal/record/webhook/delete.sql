-- Deletes one webhook and tells what it was.
-- Writes: adze.webhook. Locks: its row.
-- Bound: one row.
delete from adze.webhook
where
    tenant_id = $1
    and name = $2
returning
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
