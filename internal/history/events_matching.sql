-- Reads events of a tenant that match, newest first, with payloads. Those addressed to a
-- run are not among them.
-- Writes: nothing. Locks: nothing.
-- Bound: $9 entries of event_tenant_idx, newest partition first, of which $10 are returned.
select
    e.id,
    e.key,
    e.scope,
    e.priority,
    coalesce(e.replay_of, 0) as replay_of,
    coalesce(e.warning, '') as warning,
    e.payload,
    e.metadata
from (
    select *
    from adze.event
    where
        tenant_id = $1
        and target_id is null
        and id < $2
        and id >= $3
    order by id desc
    limit $9
) as e
where
    (cardinality($4::text[]) = 0 or e.key = any($4))
    and (cardinality($5::text[]) = 0 or e.scope = any($5))
    and (cardinality($6::bigint[]) = 0 or e.id = any($6))
    and not exists (
        select 1
        from unnest($7::text[], $8::text[]) as wanted (key, value)
        where coalesce(convert_from(e.metadata, 'UTF8')::jsonb ->> wanted.key, '') <> wanted.value
    )
order by e.id desc
limit $10
