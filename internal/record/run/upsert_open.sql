-- Writes checkpoint rows of runs, given as one array per column, over those that are
-- there. No id may come twice. What never changes of a run is left alone.
-- Writes: adze.open_run. Locks: the rows, in the order of the arrays (ascending ids).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.open_run (
    id,
    tenant_id,
    version_id,
    run_at,
    shard,
    priority,
    key,
    cancel,
    passed
)
select
    id,
    tenant_id,
    version_id,
    run_at,
    shard,
    priority,
    key,
    cancel,
    passed
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::integer[],
    $7::text[],
    $8::text[],
    $9::integer[]
) as new (id, tenant_id, version_id, run_at, shard, priority, key, cancel, passed)
on conflict (id) do update
set cancel = excluded.cancel
