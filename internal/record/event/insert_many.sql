-- Writes event rows, given as one array per column.
-- Writes: adze.event. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.event (
    id,
    tenant_id,
    target_id,
    replay_of,
    priority,
    key,
    scope,
    payload,
    metadata,
    warning
)
select
    id,
    tenant_id,
    target_id,
    replay_of,
    priority,
    key,
    scope,
    payload,
    metadata,
    warning
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::text[],
    $7::text[],
    $8::bytea[],
    $9::bytea[],
    $10::text[]
) as new (id, tenant_id, target_id, replay_of, priority, key, scope, payload, metadata, warning)
