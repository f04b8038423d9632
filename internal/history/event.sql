-- Reads one event of a tenant, with or without its payloads.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by primary key.
select
    id,
    key,
    scope,
    priority,
    coalesce(replay_of, 0) as replay_of,
    coalesce(warning, '') as warning,
    case when $3 then payload end as payload,
    case when $3 then metadata end as metadata
from adze.event
where
    id = $2
    and tenant_id = $1
