-- Tells which runs were replayed, of any tenant, as a run of one task. A replay is younger
-- than its run.
-- Writes: nothing. Locks: nothing.
-- Bound: per id, one look-up in task_replay_idx of each partition from its day on. The
-- lateral limit keeps it that way (see inputs.sql).
select
    wanted.id as run_id,
    r.id as replay_id
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select task.id
    from adze.task
    where
        task.replay_of = wanted.id
        and task.id > wanted.id
    order by task.id desc
    limit 1
) as r
