-- Counts the ready rows of each lane of a shard.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's backlog, once per take-over: 0.15 s for 1,000,000 rows.
select
    tenant_id,
    queue,
    key,
    count(*) as depth
from adze.open_task
where
    shard = $1
    and state = 'ready'
group by
    tenant_id,
    queue,
    key
order by
    tenant_id,
    queue,
    key
