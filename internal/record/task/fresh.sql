-- Reads the tasks of a shard from its low-water mark on that have neither a result
-- nor a checkpoint row, without payloads, ids ascending: what a new owner finds
-- open besides the checkpoint. The shard is the ten bits below the time (id.ID).
-- Writes: nothing. Locks: nothing.
-- Bound: the ids made since the mark moved last, about a second's worth of tasks.
select
    t.id,
    t.tenant_id,
    t.version_id,
    coalesce(t.replay_of, 0) as replay_of,
    coalesce(t.parent_id, 0) as parent_id,
    coalesce(t.id - 1 - t.node, 0) as run_id,
    coalesce(t.node, 0) as node,
    t.run_at,
    t.key,
    t.priority,
    t.flow
from adze.task as t
where
    t.id >= $2
    and t.id >> 12 & 1023 = $1
    and not exists (
        select
        from adze.task_result as r
        where r.id = t.id and r.id >= $2
    )
    and not exists (
        select
        from adze.open_task as o
        where o.id = t.id and o.id >= $2
    )
order by t.id
