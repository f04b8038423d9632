-- Writes chunks of streams, given as one array per column. One that is there already
-- is the same chunk, sent again by its worker: it stays as it is.
-- Writes: adze.stream_chunk. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.stream_chunk (
    task_id,
    tenant_id,
    token,
    attempt,
    seq,
    data
)
select
    task_id,
    tenant_id,
    token,
    attempt,
    seq,
    data
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::integer[],
    $5::integer[],
    $6::bytea[]
) as new (task_id, tenant_id, token, attempt, seq, data)
on conflict do nothing
