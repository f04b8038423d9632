-- Reads the keys of events of a tenant; ids without one are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way (see
-- record/task/inputs.sql).
select
    e.id,
    e.key
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.event
    where
        event.id = wanted.id
        and event.tenant_id = $1
    limit 1
) as e
