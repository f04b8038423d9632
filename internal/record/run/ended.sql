-- Reads how tasks of runs ended, without what they gave. A run is given with the id
-- of the last of its tasks; it comes back as its place among the given ones.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows per run, one range of the primary key of one partition.
select
    wanted.place,
    r.id - wanted.run - 1 as node,
    r.status,
    r.verdicts,
    coalesce(r.worker_id, 0) as worker_id
from unnest($1::bigint[], $2::bigint[]) with ordinality as wanted (run, last, place)
cross join lateral (
    select
        task_result.id,
        task_result.status,
        task_result.verdicts,
        task_result.worker_id
    from adze.task_result
    where
        task_result.id > wanted.run
        and task_result.id <= wanted.last
    order by task_result.id
    limit $3
) as r
