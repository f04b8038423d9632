-- Reads the tasks of a run of a graph, with or without what they gave, ids ascending:
-- those that have begun, and those that ended without it. $2 and $3 are the ids of the
-- first and the last.
-- Writes: nothing. Locks: nothing.
-- Bound: one range of ids in one partition of each table, core.NodesMax long.
select
    coalesce(t.id, r.id) as id,
    t.id is not null as begun,
    coalesce(r.status, '') as status,
    coalesce(r.attempt, 0) as attempt,
    coalesce(r.suspensions, 0) as suspensions,
    coalesce(r.worker_id, 0) as worker_id,
    coalesce(r.assigned_at, 0) as assigned_at,
    coalesce(r.started_at, 0) as started_at,
    coalesce(r.finished_at, 0) as finished_at,
    coalesce(r.error, '') as error,
    case when $4 then r.output end as output
from (
    select id
    from adze.task
    where
        tenant_id = $1
        and id >= $2
        and id <= $3
) as t
full join (
    select *
    from adze.task_result
    where
        tenant_id = $1
        and id >= $2
        and id <= $3
) as r on r.id = t.id
order by 1
