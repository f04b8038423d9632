-- Reads the largest id of any schedule of any shard.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, the end of the primary key.
select coalesce(max(id), 0)
from adze.schedule
