-- Reads the runs of graphs of a shard from its low-water mark on that have neither a
-- result nor a checkpoint row, nor a task that waits for their places, ids ascending: what a new owner finds open besides
-- the checkpoint (as task's fresh.sql does of tasks).
-- Writes: nothing. Locks: nothing.
-- Bound: the ids made since the mark moved last, about a second's worth of runs.
select
    r.id,
    r.tenant_id,
    r.version_id,
    r.run_at,
    r.priority,
    r.key,
    '' as cancel,
    r.scopes,
    0 as passed,
    r.flow
from adze.run as r
where
    r.id >= $2
    and r.id >> 12 & 1023 = $1
    and not exists (
        select
        from adze.run_result as e
        where e.id = r.id and e.id >= $2
    )
    and not exists (
        select
        from adze.open_run as o
        where o.id = r.id and o.id >= $2
    )
    and not exists (
        select
        from adze.open_task as o
        where o.id = r.id and o.id >= $2
    )
order by r.id
