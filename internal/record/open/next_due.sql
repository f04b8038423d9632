-- Reads the first due time after a time of the rows that are ready, delayed or
-- waiting.
-- Writes: nothing. Locks: nothing.
-- Bound: one entry of open_task_due_idx.
select due_at
from adze.open_task
where
    shard = $1
    and state <> 'running'
    and due_at > 0
    and due_at > $2
order by
    due_at,
    id
limit 1
