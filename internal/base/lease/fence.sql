-- Fails (SQLSTATE ADZ01, the shard in the detail) unless each shard still has its
-- epoch, and keeps it so until the transaction ends.
-- Writes: nothing. Locks: the shards' advisory locks, shared, in the order of the
-- arrays (ascending shards).
-- Bound: the shards of this process.
select adze.fence(held.shard, held.epoch)
from unnest(
    $1::integer[],
    $2::bigint[]
) as held (shard, epoch)
