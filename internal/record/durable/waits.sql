-- Reads what tasks wait for, with the places of the conditions that are met.
-- Writes: nothing. Locks: nothing.
-- Bound: the waits of the tasks: one range of the primary key per task, and one of
-- condition_met's in one partition per wait.
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
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.wait
    where wait.task_id = wanted.id
    order by wait.index -- a fence: the planner does not look past it
) as w
order by
    w.task_id,
    w.index
