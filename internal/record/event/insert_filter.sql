-- Writes one filter.
-- Writes: adze.event_filter. Locks: nothing that is there.
-- Bound: one row.
insert into adze.event_filter (
    id,
    tenant_id,
    created_at,
    workflow,
    scope,
    expression,
    payload
)
values ($1, $2, $3, $4, $5, $6, $7)
