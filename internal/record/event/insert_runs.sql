-- Writes which runs events started, given as one array per column.
-- Writes: adze.event_run. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.event_run (
    event_id,
    run_id,
    filter_id
)
select
    event_id,
    run_id,
    filter_id
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[]
) as new (event_id, run_id, filter_id)
