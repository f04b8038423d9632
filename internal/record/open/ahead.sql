-- Counts, for each of some rows, those that go before it in its lane: by rank, and among
-- those that wait for a limit by id, for the limit may go by that.
-- Writes: nothing. Locks: nothing.
-- Bound: $7 rows for each, one range of open_task_lane_idx and one of open_task_limit_idx.
select
    (
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
    ) as by_rank,
    (
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
                and o.queue like '@limit %'
                and o.id < wanted.id
            limit $7
        ) as before
    ) as by_id
from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    with ordinality as wanted (tenant_id, queue, key, rank, id, place)
order by wanted.place
