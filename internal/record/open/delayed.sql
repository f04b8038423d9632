-- Counts the rows of a shard that are delayed, and those that are waiting, with a time
-- or without.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's rows with a due time, and those with waits, once per take-over.
select
    (
        select count(*)
        from adze.open_task
        where
            shard = $1
            and state = 'delayed'
            and due_at > 0
    ) + (
        select count(*)
        from adze.open_task
        where
            shard = $1
            and state = 'waiting'
            and waits > 0
    )
