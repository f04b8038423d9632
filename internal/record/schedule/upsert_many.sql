-- Writes schedules, given as one array per column, over those that are there. No id may
-- come twice. Whose a schedule is, and its name, never change.
-- Writes: adze.schedule. Locks: the rows, in the order of the arrays (ascending ids).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.schedule (
    id,
    tenant_id,
    at,
    jitter_ms,
    shard,
    priority,
    catch_up_max,
    paused,
    declared,
    overlap,
    catch_up,
    workflow,
    name,
    expression,
    zone,
    input,
    metadata
)
select
    id,
    tenant_id,
    at,
    jitter_ms,
    shard,
    priority,
    catch_up_max,
    paused,
    declared,
    overlap,
    catch_up,
    workflow,
    name,
    expression,
    zone,
    input,
    metadata
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::integer[],
    $7::integer[],
    $8::boolean[],
    $9::boolean[],
    $10::text[],
    $11::text[],
    $12::text[],
    $13::text[],
    $14::text[],
    $15::text[],
    $16::bytea[],
    $17::bytea[]
) as new (
    id, tenant_id, at, jitter_ms, shard, priority, catch_up_max, paused, declared,
    overlap, catch_up, workflow, name, expression, zone, input, metadata
)
on conflict (id) do update
set
    at = excluded.at,
    jitter_ms = excluded.jitter_ms,
    priority = excluded.priority,
    catch_up_max = excluded.catch_up_max,
    paused = excluded.paused,
    declared = excluded.declared,
    overlap = excluded.overlap,
    catch_up = excluded.catch_up,
    workflow = excluded.workflow,
    expression = excluded.expression,
    zone = excluded.zone,
    input = excluded.input,
    metadata = excluded.metadata
