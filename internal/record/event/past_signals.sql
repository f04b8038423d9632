-- Reads a page of the events that are addressed to a run, after an id, ids ascending. Of
-- those that do not fit (another tenant, key, or scope than $5, unless that is null) it
-- gives the id only.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 rows, one range of event_target_idx in each partition from the id's day on.
select
    id,
    fits,
    scope,
    case when fits then payload end as payload,
    case when fits then metadata end as metadata
from (
    select
        id,
        tenant_id = $1 and key = $2 and ($5::text is null or scope = $5) as fits,
        scope,
        payload,
        metadata
    from adze.event
    where
        target_id = $6
        and id > $3
    order by id
    limit $4
) as page
order by id
