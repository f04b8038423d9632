-- Writes checkpoint rows, given as one array per column, over those that are
-- there. No id may come twice. What never changes of a task is left alone.
-- Writes: adze.open_task. Locks: the rows, in the order of the arrays (ascending ids).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.open_task (
    id,
    tenant_id,
    version_id,
    worker_id,
    token,
    due_at,
    assigned_at,
    shard,
    priority,
    attempt,
    failures,
    node,
    entries,
    waits,
    binds,
    state,
    queue,
    key,
    cancel
)
select
    id,
    tenant_id,
    version_id,
    worker_id,
    token,
    due_at,
    assigned_at,
    shard,
    priority,
    attempt,
    failures,
    node,
    entries,
    waits,
    binds,
    state,
    queue,
    key,
    cancel
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
    $10::integer[],
    $11::integer[],
    $12::integer[],
    $13::integer[],
    $14::integer[],
    $15::boolean[],
    $16::text[],
    $17::text[],
    $18::text[],
    $19::text[]
) as new (
    id, tenant_id, version_id, worker_id, token, due_at, assigned_at,
    shard, priority, attempt, failures, node, entries, waits, binds, state, queue, key, cancel
)
on conflict (id) do update
set
    worker_id = excluded.worker_id,
    token = excluded.token,
    due_at = excluded.due_at,
    assigned_at = excluded.assigned_at,
    attempt = excluded.attempt,
    failures = excluded.failures,
    entries = excluded.entries,
    waits = excluded.waits,
    binds = excluded.binds,
    state = excluded.state,
    cancel = excluded.cancel
