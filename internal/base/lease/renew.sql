-- Says that the owner is alive, and tells which shards it still owns. The clock is
-- the database's: owners are compared by one clock only.
-- Writes: adze.shard_lease. Locks: the rows, in ascending order of shards.
-- Bound: the shards of this process, every two seconds.
with held as (
    select l.shard
    from unnest(
        $1::integer[],
        $2::bigint[]
    ) as h (shard, epoch)
    inner join adze.shard_lease as l on l.shard = h.shard and l.epoch = h.epoch
    order by l.shard
    for update of l
)
update adze.shard_lease as l
set renewed_at = clock_timestamp()
from held
where l.shard = held.shard
returning l.shard
