-- Writes rows of runs of graphs, given as one array per column.
-- Writes: adze.run. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.run (
    id,
    tenant_id,
    version_id,
    run_at,
    replay_of,
    event_id,
    schedule_id,
    parent_id,
    priority,
    key,
    input,
    metadata,
    given,
    scopes,
    flow
)
select
    id,
    tenant_id,
    version_id,
    run_at,
    replay_of,
    event_id,
    schedule_id,
    parent_id,
    priority,
    key,
    input,
    metadata,
    given,
    scopes::text[],
    flow
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
    $10::text[],
    $11::bytea[],
    $12::bytea[],
    $13::bytea[],
    $14::text[],
    $15::bytea[]
) as new (
    id, tenant_id, version_id, run_at, replay_of, event_id, schedule_id, parent_id,
    priority, key, input, metadata, given, scopes, flow
)
