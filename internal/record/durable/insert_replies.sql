-- Writes what was answered to requests, given as one array per column. The first answer
-- stands: a task that began again may answer once more.
-- Writes: adze.reply. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.reply (
    event_id,
    tenant_id,
    at,
    error,
    data
)
select
    event_id,
    tenant_id,
    at,
    error,
    data
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::text[],
    $5::bytea[]
) as new (event_id, tenant_id, at, error, data)
on conflict do nothing
