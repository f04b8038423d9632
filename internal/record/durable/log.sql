-- Reads the logs of durable tasks, each by index; in what order the tasks come is open.
-- Writes: nothing. Locks: nothing.
-- Bound: the entries of the tasks, one range of the primary key of one partition each.
select
    e.task_id,
    e.tenant_id,
    e.at,
    e.index,
    e.kind,
    e.name,
    coalesce(e.error, '') as error,
    e.data,
    e.conditions
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.durable_entry
    where durable_entry.task_id = wanted.id
    order by durable_entry.index -- a fence: the planner does not look past it
) as e
