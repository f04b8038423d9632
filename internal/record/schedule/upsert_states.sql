-- Writes where schedules stand, given as one array per column, over what is there. No
-- id may come twice.
-- Writes: adze.schedule_state. Locks: the rows, in the order of the arrays (ascending ids).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.schedule_state (
    id,
    tenant_id,
    due_at,
    last_at,
    last_run_id,
    running_id,
    queued_at,
    skipped,
    shard,
    revision
)
select
    id,
    tenant_id,
    due_at,
    last_at,
    last_run_id,
    running_id,
    queued_at,
    skipped,
    shard,
    revision
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::bigint[],
    $8::bigint[],
    $9::integer[],
    $10::integer[]
) as new (
    id, tenant_id, due_at, last_at, last_run_id, running_id, queued_at, skipped, shard,
    revision
)
on conflict (id) do update
set
    due_at = excluded.due_at,
    last_at = excluded.last_at,
    last_run_id = excluded.last_run_id,
    running_id = excluded.running_id,
    queued_at = excluded.queued_at,
    skipped = excluded.skipped,
    revision = excluded.revision
