-- Writes which conditions were met, given as one array per column. The primary key
-- refuses to meet one twice.
-- Writes: adze.condition_met. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.condition_met (
    task_id,
    tenant_id,
    event_id,
    met_order,
    at,
    index,
    condition,
    data
)
select
    task_id,
    tenant_id,
    event_id,
    met_order,
    at,
    index,
    condition,
    data
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::integer[],
    $7::integer[],
    $8::bytea[]
) as new (task_id, tenant_id, event_id, met_order, at, index, condition, data)
