-- Reads of runs, of one task or of graphs, whether a worker was ever given a task of them,
-- and whether they have ended. The ids of the tasks of a graph follow its own; $2 is how
-- many there are at most.
-- Writes: nothing. Locks: nothing.
-- Bound: the runs asked for; for each a few look-ups by primary key, and two ranges of one.
select
    r.id,
    coalesce(alone.begun, false) or coalesce(node.begun, false)
    or coalesce(ended.attempt, 0) > 0 or coalesce(node_ended.attempt, 0) > 0 as begun,
    ended.attempt is not null or run_ended.yes is not null as ended
from unnest($1::bigint[]) as r (id)
left join lateral (
    select attempt
    from adze.task_result
    where task_result.id = r.id
    limit 1
) as ended on true
left join lateral (
    select true as yes
    from adze.run_result
    where run_result.id = r.id
    limit 1
) as run_ended on true
left join lateral (
    select state = 'running' or attempt > 1 or entries > 0 as begun
    from adze.open_task
    where open_task.id = r.id
    limit 1
) as alone on true
left join lateral (
    select true as begun
    from adze.open_task
    where
        open_task.id > r.id
        and open_task.id <= r.id + $2
        and open_task.node = open_task.id - r.id - 1
        and (state = 'running' or attempt > 1 or entries > 0)
    limit 1
) as node on true
left join lateral (
    select node_result.attempt
    from adze.task as t
    inner join lateral (
        select task_result.attempt
        from adze.task_result
        where task_result.id = t.id
        limit 1
    ) as node_result on node_result.attempt > 0
    where
        t.id > r.id
        and t.id <= r.id + $2
        and t.node = t.id - r.id - 1
    limit 1
) as node_ended on true
