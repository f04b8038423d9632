-- Moves the low-water marks of shards. No shard may come twice.
-- Writes: adze.low_water. Locks: the rows, in the order of the arrays (ascending shards).
-- Bound: one row per shard of the journal's batch.
insert into adze.low_water (
    shard,
    id
)
select
    shard,
    id
from unnest(
    $1::integer[],
    $2::bigint[]
) as new (shard, id)
on conflict (shard) do update
set id = excluded.id
