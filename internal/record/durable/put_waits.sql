-- Writes what tasks wait for, given as one array per column, over what is there. No key
-- may come twice.
-- Writes: adze.wait. Locks: the rows, in the order of the arrays (ascending tasks and
-- indices).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.wait (
    task_id,
    tenant_id,
    run_id,
    shard,
    index,
    watched,
    conditions
)
select
    task_id,
    tenant_id,
    run_id,
    shard,
    index,
    watched,
    conditions
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::integer[],
    $5::integer[],
    $6::boolean[],
    $7::bytea[]
) as new (task_id, tenant_id, run_id, shard, index, watched, conditions)
on conflict (task_id, index) do update
set
    watched = excluded.watched,
    conditions = excluded.conditions
