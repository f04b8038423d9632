-- Reads the low-water mark of a shard.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select id
from adze.low_water
where shard = $1
