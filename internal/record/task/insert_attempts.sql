-- Writes attempts that were followed by another one, given as one array per column.
-- Writes: adze.attempt. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.attempt (
    task_id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    retry_at,
    number,
    outcome,
    error
)
select
    task_id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    retry_at,
    number,
    outcome,
    error
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::bigint[],
    $8::integer[],
    $9::text[],
    $10::text[]
) as new (task_id, tenant_id, worker_id, assigned_at, started_at, finished_at, retry_at, number, outcome, error)
