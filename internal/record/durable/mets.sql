-- Reads which conditions of tasks were met, of each task in the order in which they were;
-- in what order the tasks come is open.
-- Writes: nothing. Locks: nothing.
-- Bound: the met conditions of the tasks, one range of the primary key of one partition
-- each.
select
    m.task_id,
    m.tenant_id,
    coalesce(m.event_id, 0) as event_id,
    m.met_order,
    m.at,
    m.index,
    m.condition,
    m.data
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.condition_met
    where condition_met.task_id = wanted.id
    order by condition_met.met_order -- a fence: the planner does not look past it
) as m
