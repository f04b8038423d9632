-- Adds entries to the logs of durable tasks, given as one array per column. The
-- primary key refuses a second entry of an index.
-- Writes: adze.durable_entry. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.durable_entry (
    task_id,
    tenant_id,
    at,
    index,
    kind,
    name,
    error,
    data,
    conditions
)
select
    task_id,
    tenant_id,
    at,
    index,
    kind,
    name,
    error,
    data,
    conditions
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::integer[],
    $5::text[],
    $6::text[],
    $7::text[],
    $8::bytea[],
    $9::bytea[]
) as new (task_id, tenant_id, at, index, kind, name, error, data, conditions)
