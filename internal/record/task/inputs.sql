-- Reads tasks by id, with their payloads; ids without a row are left out. A task of a
-- graph has none: they are its run's.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way:
-- a join could become a scan of every partition.
select
    t.id,
    t.tenant_id,
    t.version_id,
    coalesce(t.replay_of, 0) as replay_of,
    coalesce(t.event_id, 0) as event_id,
    coalesce(t.schedule_id, 0) as schedule_id,
    coalesce(t.parent_id, 0) as parent_id,
    coalesce(t.id - 1 - t.node, 0) as run_id,
    coalesce(t.node, 0) as node,
    t.run_at,
    t.key,
    t.priority,
    case when t.node is null then t.input end as input,
    t.metadata,
    t.given,
    t.flow
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.task
    where task.id = wanted.id
    limit 1
) as t
