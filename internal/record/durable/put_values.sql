-- Publishes values of durable tasks, given as one array per column, over those that
-- are there. No name of a task may come twice.
-- Writes: adze.durable_value. Locks: the rows, in the order of the arrays (ascending
-- tasks and names).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.durable_value (
    task_id,
    tenant_id,
    at,
    name,
    data
)
select
    task_id,
    tenant_id,
    at,
    name,
    data
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::text[],
    $5::bytea[]
) as new (task_id, tenant_id, at, name, data)
on conflict (task_id, name) do update
set
    at = excluded.at,
    data = excluded.data
