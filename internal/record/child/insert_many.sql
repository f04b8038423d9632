-- Writes which runs tasks spawned, given as one array per column. The primary key
-- refuses a second run of a key.
-- Writes: adze.child. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.child (
    parent_id,
    tenant_id,
    run_id,
    cancel,
    key
)
select
    parent_id,
    tenant_id,
    run_id,
    cancel,
    key
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::boolean[],
    $5::text[]
) as new (parent_id, tenant_id, run_id, cancel, key)
