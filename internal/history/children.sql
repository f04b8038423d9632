-- Reads what a task spawned, by key.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows, one range of the primary key of one partition.
select
    run_id,
    key
from adze.child
where
    parent_id = $2
    and tenant_id = $1
order by key
limit $3
