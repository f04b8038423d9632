-- Writes a token.
-- Writes: adze.token. Locks: the row; the tenant's row, key share.
-- Bound: one row.
insert into adze.token (
    id,
    tenant_id,
    name,
    created_at,
    expires_at
)
values ($1, $2, $3, $4, $5)
