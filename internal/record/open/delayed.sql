-- Counts the delayed rows of a shard.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's rows with a due time, once per take-over.
select count(*)
from adze.open_task
where
    shard = $1
    and state = 'delayed'
    and due_at > 0
