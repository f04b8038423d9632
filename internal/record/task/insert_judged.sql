-- Writes terminal results on which conditions of other tasks have a verdict, as
-- insert_results.sql does the others. An array of arrays would be unnested to its
-- numbers: the verdicts come as text.
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
    output,
    verdicts
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
    output,
    verdicts::integer[]
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
    $11::bytea[],
    $12::text[]
) as new (id, tenant_id, worker_id, assigned_at, started_at, finished_at, attempt, suspensions, status, error, output, verdicts)
