-- Writes one webhook, unless its tenant has so many or one of that name. Two that come at
-- once may both see the last room.
-- Writes: adze.webhook. Locks: nothing that is there.
-- Bound: one row, and a count of the tenant's.
with room as (
    select count(*) < $13 as there
    from adze.webhook
    where tenant_id = $2
),
inserted as (
    insert into adze.webhook (
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
    )
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
    from room
    where room.there
    on conflict (tenant_id, name) do nothing
    returning id
)
select
    exists (select from inserted) as inserted,
    room.there
from room
