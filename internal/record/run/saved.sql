-- Reads the checkpoint rows of those runs of a shard that a new owner must know at
-- once, ids ascending, with what their rows of run say of them: they are cancelled, have
-- places in limits, a task of theirs runs, or one waits for more than a time. The others come when something of
-- them is loaded.
-- Writes: nothing. Locks: nothing.
-- Bound: the shard's open runs, once per take-over: one range of open_run_shard_idx,
-- what runs and is watched of the shard, and one look-up by primary key per run that is
-- needed (see by_id.sql).
select
    o.id,
    o.tenant_id,
    o.version_id,
    o.run_at,
    o.priority,
    o.key,
    o.cancel,
    r.scopes,
    o.passed,
    r.flow
from adze.open_run as o
left join lateral (
    select
        run.scopes,
        run.flow
    from adze.run
    where run.id = o.id
    limit 1
) as r on true
where
    o.shard = $1
    and (
        o.cancel <> ''
        or o.passed > 0
        or o.id in (
            select t.id - 1 - t.node
            from adze.open_task as t
            where t.shard = $1 and t.state = 'running' and t.node is not null
        )
        or o.id in (
            select w.run_id
            from adze.wait as w
            where w.shard = $1 and w.watched and w.run_id is not null
        )
    )
order by o.id
