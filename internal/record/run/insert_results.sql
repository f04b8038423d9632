-- Writes the terminal results of runs of graphs, given as one array per column. The
-- primary key refuses a second result.
-- Writes: adze.run_result. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.run_result (
    id,
    tenant_id,
    finished_at,
    status,
    error
)
select
    id,
    tenant_id,
    finished_at,
    status,
    error
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::text[],
    $5::text[]
) as new (id, tenant_id, finished_at, status, error)
