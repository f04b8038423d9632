-- Reads the workers of a shard that have not left, ids ascending. The shard is the ten
-- bits below the time (id.ID).
-- Writes: nothing. Locks: nothing.
-- Bound: the workers that are connected, through worker_present_idx, once per take-over.
select
    id,
    tenant_id,
    paused
from adze.worker
where
    left_at is null
    and id >> 12 & 1023 = $1
order by id
