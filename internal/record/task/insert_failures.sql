-- Writes the results of tasks that failed, as insert_results.sql does the others, with
-- the fingerprints of their errors. They have no output.
-- Writes: adze.task_result. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.task_result (
    id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    fingerprint,
    attempt,
    suspensions,
    status,
    error
)
select
    id,
    tenant_id,
    worker_id,
    assigned_at,
    started_at,
    finished_at,
    fingerprint,
    attempt,
    suspensions,
    status,
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
    $9::integer[],
    $10::text[],
    $11::text[]
) as new (id, tenant_id, worker_id, assigned_at, started_at, finished_at, fingerprint, attempt, suspensions, status, error)
