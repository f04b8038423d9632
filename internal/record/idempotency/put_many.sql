-- Writes which runs hold which keys, and which were replaced, given as one array per
-- column, over what is there. No run may come twice.
-- Writes: adze.idempotency. Locks: the rows, in the order of the arrays (ascending runs).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.idempotency (
    run_id,
    tenant_id,
    replaced_by,
    until_at,
    first_at,
    shard,
    hold,
    key
)
select
    run_id,
    tenant_id,
    replaced_by,
    until_at,
    first_at,
    shard,
    hold,
    key
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::integer[],
    $7::text[],
    $8::text[]
) as new (run_id, tenant_id, replaced_by, until_at, first_at, shard, hold, key)
on conflict (run_id) do update
set
    replaced_by = excluded.replaced_by,
    until_at = excluded.until_at,
    first_at = excluded.first_at,
    key = excluded.key
