-- Where the owner of a shard listens, unless it has been silent for too long.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select l.address
from adze.shard_lease as l
where
    l.shard = $1
    and l.renewed_at > clock_timestamp() - make_interval(secs => $2)
