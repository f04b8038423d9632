-- Notes that workers are not expected back, unless they have joined since. One that joined in the same millisecond stays: it is given up
-- once more after the next take-over.
-- Writes: adze.worker. Locks: the rows, in the order of the arrays.
-- Bound: the workers of a shard.
update adze.worker
set left_at = to_timestamp(gone.at / 1000.0)
from unnest($1::bigint[], $2::bigint[]) as gone (id, at)
where
    worker.id = gone.id
    and worker.joined_at < to_timestamp(gone.at / 1000.0)
