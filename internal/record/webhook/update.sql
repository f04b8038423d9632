-- Changes one webhook.
-- Writes: adze.webhook. Locks: its row.
-- Bound: one row.
update adze.webhook
set
    updated_at = $3,
    answers_event = $4,
    key_expression = $5,
    scope_expression = $6,
    static_payload = $7
where
    tenant_id = $1
    and name = $2
