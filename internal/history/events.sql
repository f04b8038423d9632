-- Reads a page of a tenant's events, newest first, without payloads. Those addressed
-- to a run are not among them.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 entries of event_tenant_idx, newest partition first.
select
    id,
    key,
    scope,
    priority,
    coalesce(replay_of, 0) as replay_of,
    coalesce(warning, '') as warning,
    null::bytea as payload,
    null::bytea as metadata
from adze.event
where
    tenant_id = $1
    and target_id is null
    and id < $2
    and id >= $3
order by id desc
limit $4
