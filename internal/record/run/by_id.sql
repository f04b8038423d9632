-- Reads runs of graphs by id, with their payloads; ids without a row are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way:
-- a join could become a scan of every partition.
select
    r.id,
    r.tenant_id,
    r.version_id,
    coalesce(r.replay_of, 0) as replay_of,
    coalesce(r.event_id, 0) as event_id,
    coalesce(r.schedule_id, 0) as schedule_id,
    coalesce(r.parent_id, 0) as parent_id,
    r.run_at,
    r.key,
    r.priority,
    r.input,
    r.metadata,
    r.given,
    r.flow
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.run
    where run.id = wanted.id
    limit 1
) as r
