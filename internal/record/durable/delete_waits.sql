-- Deletes waits by key; keys without a row are passed over. The rows are found one by
-- one and deleted by their places: a join could become a scan of the table, and only
-- the owner of a shard moves its rows.
-- Writes: adze.wait. Locks: the rows.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.wait
where ctid = any(array(
    select found.ctid
    from unnest(
        $1::bigint[],
        $2::integer[]
    ) as gone (task_id, index)
    cross join lateral (
        select wait.ctid
        from adze.wait
        where
            wait.task_id = gone.task_id
            and wait.index = gone.index
        limit 1
    ) as found
))
