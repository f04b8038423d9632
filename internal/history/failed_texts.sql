-- Reads the first $2 characters of what the errors of tasks say.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id (see record/task/inputs.sql).
select
    r.id,
    left(r.error, $2) as error
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select
        task_result.id,
        coalesce(task_result.error, '') as error
    from adze.task_result
    where task_result.id = wanted.id
    limit 1
) as r
