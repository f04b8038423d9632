-- Finds the smallest id that a page of failures may look at: the oldest of the next $4 of
-- a tenant's tasks that failed, before an id.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 entries of task_result_failed_idx.
select
    coalesce(min(w.id), 0) as lowest,
    count(*) as failures
from (
    select id
    from adze.task_result
    where
        tenant_id = $1
        and fingerprint is not null
        and id < $2
        and id >= $3
    order by id desc
    limit $4
) as w
