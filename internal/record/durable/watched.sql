-- Reads the waits of a shard that are for more than times, with the places of the
-- conditions that are met, in the order (task, index).
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's watched waits, once per take-over: one range of wait_watched_idx,
-- and one of condition_met's primary key in one partition per wait.
select
    w.task_id,
    w.tenant_id,
    coalesce(w.run_id, 0) as run_id,
    w.index,
    w.conditions,
    array(
        select m.condition
        from adze.condition_met as m
        where
            m.task_id = w.task_id
            and m.index = w.index
        order by m.condition
    ) as met
from adze.wait as w
where
    w.shard = $1
    and w.watched
order by
    w.task_id,
    w.index
