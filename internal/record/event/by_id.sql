-- Reads events by id, with their payloads; ids without a row are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way:
-- a join could become a scan of every partition.
select
    e.id,
    e.tenant_id,
    coalesce(e.target_id, 0) as target_id,
    coalesce(e.replay_of, 0) as replay_of,
    e.priority,
    e.key,
    e.scope,
    coalesce(e.warning, '') as warning,
    e.payload,
    e.metadata
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.event
    where event.id = wanted.id
    limit 1
) as e
