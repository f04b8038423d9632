-- Reads what was answered to a tenant's requests, by the ids of their events; those
-- without an answer, and those of other tenants, are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id. The lateral limit keeps it that way:
-- a join could become a scan of every partition.
select
    r.event_id,
    r.tenant_id,
    r.at,
    coalesce(r.error, '') as error,
    r.data
from unnest($2::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.reply
    where reply.event_id = wanted.id
    limit 1
) as r
where r.tenant_id = $1
