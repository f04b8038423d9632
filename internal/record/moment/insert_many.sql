-- Writes what happened to attempts on their way, given as one array per column. What is
-- there already is the same, told again by who did not hear that it is stored: it stays as
-- it is.
-- Writes: adze.moment. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.moment (
    task_id,
    tenant_id,
    token,
    happened_at,
    deadline,
    worker_id,
    by_ms,
    assigned_at,
    started_at,
    attempt,
    kind
)
select
    task_id,
    tenant_id,
    token,
    happened_at,
    deadline,
    worker_id,
    by_ms,
    assigned_at,
    started_at,
    attempt,
    kind
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::bigint[],
    $8::bigint[],
    $9::bigint[],
    $10::integer[],
    $11::text[]
) as new (task_id, tenant_id, token, happened_at, deadline, worker_id, by_ms, assigned_at, started_at, attempt, kind)
on conflict do nothing
