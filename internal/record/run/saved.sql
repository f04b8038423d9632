-- Reads the checkpoint rows of runs of a shard, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's open runs, once per take-over: one range of open_run_shard_idx.
select
    id,
    tenant_id,
    version_id,
    run_at,
    priority,
    key,
    cancel
from adze.open_run
where shard = $1
order by id
