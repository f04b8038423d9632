-- Revokes a token; the first time counts.
-- Writes: adze.token. Locks: the row.
-- Bound: one row.
update adze.token
set revoked_at = $3
where
    id = $2
    and tenant_id = $1
    and revoked_at is null
