-- Finds the smallest id that a page may look at: the oldest of the next $4 of a
-- tenant's runs before an id, be they of one task or of a graph.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 entries of task_tenant_idx and of run_tenant_idx each.
select
    coalesce(min(w.id), 0) as lowest,
    count(*) as runs
from (
    (
        select id
        from adze.task
        where
            tenant_id = $1
            and node is null
            and id < $2
            and id >= $3
        order by id desc
        limit $4
    )
    union all
    (
        select id
        from adze.run
        where
            tenant_id = $1
            and id < $2
            and id >= $3
        order by id desc
        limit $4
    )
    order by id desc
    limit $4
) as w
