-- Writes rows of tasks of graphs, given as one array per column. What a run was given
-- stands in its own row: theirs have no input.
-- Writes: adze.task. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.task (
    id,
    tenant_id,
    version_id,
    run_at,
    priority,
    node,
    key,
    input
)
select
    id,
    tenant_id,
    version_id,
    run_at,
    priority,
    node,
    key,
    ''::bytea
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::integer[],
    $7::text[]
) as new (id, tenant_id, version_id, run_at, priority, node, key)
