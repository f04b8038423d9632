-- Reads which ready and delayed tasks of a shard have waits: they were woken, or never
-- suspended, and what they wait for is not over.
-- Writes: nothing. Locks: nothing.
-- Bound: two ranges of open_task_waits_idx, once per take-over.
select id
from adze.open_task
where
    shard = $1
    and state in ('ready', 'delayed')
    and waits > 0
