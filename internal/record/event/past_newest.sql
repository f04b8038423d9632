-- Reads a page of the events of a key between two ids, ids descending. Of those that do
-- not fit (signals, and events of another scope than $5, unless that is null) it gives the
-- id only.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 rows, one range of event_key_idx in each partition from the first id's day on.
select
    id,
    fits,
    scope,
    case when fits then payload end as payload,
    case when fits then metadata end as metadata
from (
    select
        id,
        target_id is null and ($5::text is null or scope = $5) as fits,
        scope,
        payload,
        metadata
    from adze.event
    where
        tenant_id = $1
        and key = $2
        and id > $3
        and id < $6
    order by id desc
    limit $4
) as page
order by id desc
