-- Moves the due times of checkpoint rows of tasks that wait, given as one array per
-- column; ids without such a row are passed over. The rows are found one by one and changed by their places: a join
-- could become a scan of the table, and only the owner of a shard moves its rows.
-- Writes: adze.open_task. Locks: the rows.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
with moved as materialized (
    select
        found.ctid as place,
        wanted.due_at
    from unnest(
        $1::bigint[],
        $2::bigint[]
    ) as wanted (id, due_at)
    cross join lateral (
        select open_task.ctid
        from adze.open_task
        where open_task.id = wanted.id
            and open_task.state = 'waiting'
        limit 1
    ) as found
)
update adze.open_task
set due_at = moved.due_at
from moved
where open_task.ctid = moved.place
