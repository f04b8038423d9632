-- Counts, for each of some rows, those that go before it in its lane.
-- Writes: nothing. Locks: nothing.
-- Bound: $7 rows for each, one range of open_task_lane_idx.
select (
    select count(*)
    from (
        select
        from adze.open_task as o
        where
            o.shard = $1
            and o.tenant_id = wanted.tenant_id
            and o.queue = wanted.queue
            and o.key = wanted.key
            and o.state = 'ready'
            and (o.rank, o.id) < (wanted.rank, wanted.id)
        limit $7
    ) as before
) as ahead
from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    with ordinality as wanted (tenant_id, queue, key, rank, id, place)
order by wanted.place
