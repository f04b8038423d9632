-- Reads a token.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select
    id,
    tenant_id,
    name,
    created_at,
    expires_at,
    revoked_at
from adze.token
where id = $1
