-- Reads the checkpoint rows of runs of a shard, ids ascending, with the scopes of their
-- rows of run.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's open runs, once per take-over: one range of open_run_shard_idx, and
-- one look-up by primary key per run (see by_id.sql).
select
    o.id,
    o.tenant_id,
    o.version_id,
    o.run_at,
    o.priority,
    o.key,
    o.cancel,
    r.scopes
from adze.open_run as o
left join lateral (
    select run.scopes
    from adze.run
    where run.id = o.id
    limit 1
) as r on true
where o.shard = $1
order by o.id
