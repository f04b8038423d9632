-- Tells which tasks have ended, of any tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id (see inputs.sql).
select r.id
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select task_result.id
    from adze.task_result
    where task_result.id = wanted.id
    limit 1
) as r
