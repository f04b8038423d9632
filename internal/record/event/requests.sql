-- Tells which ids are of requests: events that are addressed to a run.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way:
-- a join could become a scan of every partition.
select
    e.id,
    e.tenant_id
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select
        event.id,
        event.tenant_id,
        event.target_id
    from adze.event
    where event.id = wanted.id
    limit 1
) as e
where e.target_id is not null
