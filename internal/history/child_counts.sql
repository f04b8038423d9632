-- Counts the runs that tasks spawned, of each $3 at most.
-- Writes: nothing. Locks: nothing.
-- Bound: one range of the primary key of one partition per task, $3 long. The lateral
-- limit keeps it that way (see record/task/inputs.sql).
select
    wanted.id,
    c.children
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select count(*) as children
    from (
        select
        from adze.child
        where
            child.parent_id = wanted.id
            and child.tenant_id = $1
        limit $3
    ) as spawned
) as c
where c.children > 0
