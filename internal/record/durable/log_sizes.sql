-- Reads how many entries the logs of tasks have: the last index of each. Tasks without
-- an entry are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look at the end of a range of the primary key of one partition per task.
select
    wanted.id,
    e.index
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select durable_entry.index
    from adze.durable_entry
    where durable_entry.task_id = wanted.id
    order by durable_entry.index desc
    limit 1
) as e
