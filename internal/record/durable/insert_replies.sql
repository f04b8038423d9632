-- Writes what was answered to requests, given as one array per column. The first answer
-- stands: a task that began again may answer once more. An answer to what is no request
-- of the tenant is passed over: its id is a worker's word.
-- Writes: adze.reply. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry), with a look-up
-- of event by primary key for each.
insert into adze.reply (
    event_id,
    tenant_id,
    at,
    error,
    data
)
select
    new.event_id,
    new.tenant_id,
    new.at,
    new.error,
    new.data
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::text[],
    $5::bytea[]
) as new (event_id, tenant_id, at, error, data)
cross join lateral (
    select
    from adze.event
    where
        event.id = new.event_id
        and event.tenant_id = new.tenant_id
        and event.target_id is not null
    limit 1
) as request
on conflict do nothing
