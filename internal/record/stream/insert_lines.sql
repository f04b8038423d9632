-- Writes lines of logs, given as one array per column. One that is there already is
-- the same line, sent again by its worker: it stays as it is.
-- Writes: adze.log_line. Locks: its partitions, row exclusive.
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
insert into adze.log_line (
    task_id,
    tenant_id,
    token,
    logged_at,
    attempt,
    seq,
    level,
    message,
    fields
)
select
    task_id,
    tenant_id,
    token,
    logged_at,
    attempt,
    seq,
    level,
    message,
    fields
from unnest(
    $1::bigint[],
    $2::bigint[],
    $3::bigint[],
    $4::bigint[],
    $5::integer[],
    $6::integer[],
    $7::integer[],
    $8::text[],
    $9::bytea[]
) as new (task_id, tenant_id, token, logged_at, attempt, seq, level, message, fields)
on conflict do nothing
