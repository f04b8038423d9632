-- Reads what a task spawned and has no result, by key. A child is a run of one task, or
-- of a graph: its result is in one of two tables.
-- Writes: nothing. Locks: nothing.
-- Bound: the children of one task, one range of the primary key of one partition, and
-- two look-ups by primary key for each.
select
    c.run_id,
    c.cancel,
    c.key
from adze.child as c
left join lateral (
    select true as yes
    from adze.task_result
    where task_result.id = c.run_id
    limit 1
) as task_ended on true
left join lateral (
    select true as yes
    from adze.run_result
    where run_result.id = c.run_id
    limit 1
) as run_ended on true
where
    c.parent_id = $1
    and task_ended.yes is null
    and run_ended.yes is null
order by c.key
