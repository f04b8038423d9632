-- Lists schedules of a tenant that started a run each and are gone, the newest schedule
-- first. One that started several, but for replays, went by an expression.
-- Writes: nothing. Locks: nothing.
-- Bound: $2 schedules, gone or not. The CTE goes from one schedule to the next older one,
-- whatever many runs they started: two entries of task_schedule_idx and of run_schedule_idx
-- per partition for each, and a look-up in each table that the run is told from.
with recursive started (id, seen) as (
    select 9223372036854775807, 0
    union all
    select
        greatest(
            (
                select t.schedule_id
                from adze.task as t
                where
                    t.tenant_id = $1
                    and t.schedule_id is not null
                    and t.schedule_id < started.id
                order by t.schedule_id desc
                limit 1
            ),
            (
                select g.schedule_id
                from adze.run as g
                where
                    g.tenant_id = $1
                    and g.schedule_id is not null
                    and g.schedule_id < started.id
                order by g.schedule_id desc
                limit 1
            )
        ),
        started.seen + 1
    from started
    where
        started.id is not null
        and started.seen < $2
)
select
    started.id as schedule_id,
    r.id,
    r.run_at,
    w.name as workflow,
    r.version_id,
    w.id as workflow_id,
    r.priority,
    r.input,
    r.metadata
from started
inner join lateral (
    (
        select id, run_at, version_id, priority, input, metadata
        from adze.task
        where
            tenant_id = $1
            and schedule_id = started.id
        order by id
        limit 1
    )
    union all
    (
        select id, run_at, version_id, priority, input, metadata
        from adze.run
        where
            tenant_id = $1
            and schedule_id = started.id
        order by id
        limit 1
    )
    order by id
    limit 1
) as r on true
inner join adze.workflow_version as v on v.id = r.version_id
inner join adze.workflow as w on w.id = v.workflow_id
where
    started.seen > 0
    and not exists (
        select
        from adze.schedule as s
        where s.id = started.id
    )
    and not exists (
        select
        from adze.task as t
        where
            t.tenant_id = $1
            and t.schedule_id = started.id
            and t.replay_of is null
            and t.id <> r.id
    )
    and not exists (
        select
        from adze.run as g
        where
            g.tenant_id = $1
            and g.schedule_id = started.id
            and g.replay_of is null
            and g.id <> r.id
    )
order by started.id desc
