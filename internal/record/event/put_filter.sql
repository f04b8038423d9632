-- Writes one filter, or changes it.
-- Writes: adze.event_filter. Locks: its row, if it is there.
-- Bound: one row.
insert into adze.event_filter (
    id,
    tenant_id,
    created_at,
    workflow,
    scope,
    expression,
    payload,
    declared,
    updated_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $3)
on conflict (id) do update
set
    scope = excluded.scope,
    expression = excluded.expression,
    payload = excluded.payload,
    updated_at = excluded.updated_at
