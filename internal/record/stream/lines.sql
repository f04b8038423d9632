-- Reads lines of the log of a tenant's task after a place, by token and number.
-- Writes: nothing. Locks: nothing.
-- Bound: $5 rows, by primary key.
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
from adze.log_line
where
    task_id = $2
    and tenant_id = $1
    and (token, seq) > ($3, $4)
order by token, seq
limit $5
