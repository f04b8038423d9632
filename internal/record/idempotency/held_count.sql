-- Counts the keys of a shard that are held.
-- Writes: nothing. Locks: nothing.
-- Bound: one range of an index, once per take-over.
select count(*)
from adze.idempotency
where
    shard = $1
    and replaced_by is null
