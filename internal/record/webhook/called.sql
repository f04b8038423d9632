-- Reads one webhook by the UUID of its tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select
    w.id,
    w.tenant_id,
    w.created_at,
    w.updated_at,
    w.answers_event,
    w.name,
    w.source,
    w.key_expression,
    w.scope_expression,
    w.auth_type,
    w.auth,
    w.static_payload
from adze.tenant as t
inner join adze.webhook as w on w.tenant_id = t.id
where
    t.uuid = $1
    and w.name = $2
