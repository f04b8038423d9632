-- Tells which runs of graphs have ended, of any tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id (see by_id.sql).
select r.id
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select run_result.id
    from adze.run_result
    where run_result.id = wanted.id
    limit 1
) as r
