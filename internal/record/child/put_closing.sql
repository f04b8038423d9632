-- Writes of which tasks the children are to be cancelled, given as one array per
-- column, over what is there. No task may come twice.
-- Writes: adze.closing. Locks: the rows, in the order of the arrays (ascending tasks).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.closing (
    task_id,
    tenant_id,
    shard,
    whole,
    reason
)
select
    task_id,
    tenant_id,
    shard,
    whole,
    reason
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::integer[],
    $4::boolean[],
    $5::text[]
) as new (task_id, tenant_id, shard, whole, reason)
on conflict (task_id) do update
set
    whole = excluded.whole,
    reason = excluded.reason
