-- Notes which workers are given nothing new, or something again.
-- Writes: adze.worker. Locks: the rows, in the order of the arrays.
-- Bound: the workers that one request names.
update adze.worker
set paused = change.paused
from unnest($1::bigint[], $2::boolean[]) as change (id, paused)
where worker.id = change.id
