-- Writes the terminal results of tasks, given as one array per column. The
-- primary key refuses a second result.
-- Writes: adze.task_result. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.task_result (
    id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    attempt,
    suspensions,
    status,
    error,
    output
)
select
    id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    attempt,
    suspensions,
    status,
    error,
    output
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::integer[],
    $8::integer[],
    $9::text[],
    $10::text[],
    $11::bytea[]
) as new (id, tenant_id, worker_id, assigned_at, started_at, finished_at, attempt, suspensions, status, error, output)
