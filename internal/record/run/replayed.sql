-- Tells which runs were replayed, of any tenant, as a run of a graph. A replay is younger
-- than its run.
-- Writes: nothing. Locks: nothing.
-- Bound: per id, one look-up in run_replay_idx of each partition from its day on. The
-- lateral limit keeps it that way (see by_id.sql).
select
    wanted.id as run_id,
    r.id as replay_id
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select run.id
    from adze.run
    where
        run.replay_of = wanted.id
        and run.id > wanted.id
    order by run.id desc
    limit 1
) as r
