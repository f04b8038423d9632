-- Reads a page of a tenant's runs, newest first, from a window of ids (window.sql):
-- those of one task and those of graphs, then the newest of both.
-- Writes: nothing. Locks: nothing.
-- Bound: the runs of the window, each with a look-up of its result and, with $16, of its
-- replays; with $13, their metadata decoded.
with wanted as (
    select v.id
    from adze.workflow as w
    inner join adze.workflow_version as v on v.workflow_id = w.id
    where
        w.tenant_id = $1
        and ($4 = '' or w.name = $4)
        and (cardinality($8::bigint[]) = 0 or w.id = any($8))
)
select
    p.id,
    p.version_id,
    p.graph,
    coalesce(p.replay_of, 0) as replay_of,
    coalesce(p.event_id, 0) as event_id,
    coalesce(p.parent_id, 0) as parent_id,
    coalesce(p.schedule_id, 0) as schedule_id,
    p.run_at,
    p.priority,
    d.name as workflow,
    coalesce(p.status, '') as status,
    coalesce(p.attempt, 0) as attempt,
    coalesce(p.suspensions, 0) as suspensions,
    coalesce(p.worker_id, 0) as worker_id,
    coalesce(p.assigned_at, 0) as assigned_at,
    coalesce(p.started_at, 0) as started_at,
    coalesce(p.finished_at, 0) as finished_at,
    coalesce(p.error, '') as error,
    case when $9 then p.input end as input,
    case when $9 then p.metadata end as metadata,
    case when $9 then p.output end as output
from (
    (
        select
            t.id,
            t.version_id,
            false as graph,
            t.replay_of,
            t.event_id,
            t.parent_id,
            t.schedule_id,
            t.run_at,
            t.priority,
            r.status,
            r.attempt,
            r.suspensions,
            r.worker_id,
            r.assigned_at,
            r.started_at,
            r.finished_at,
            r.error,
            t.input,
            t.metadata,
            r.output
        from (
            select *
            from adze.task
            where
                tenant_id = $1
                and node is null
                and id < $2
                and id >= $3
                and ($10 or version_id in (select id from wanted))
                and (cardinality($11::bigint[]) = 0 or parent_id = any($11))
                and ($12::bigint = 0 or event_id = $12)
                and (cardinality($13::text[]) = 0 or (
                    select case when $15 then bool_or(m.met) else bool_and(m.met) end
                    from (
                        select coalesce(convert_from(metadata, 'UTF8')::jsonb ->> k.key, '') = k.value as met
                        from unnest($13::text[], $14::text[]) as k (key, value)
                    ) as m
                ))
            order by id desc
            limit $7
        ) as t
        left join lateral (
            select *
            from adze.task_result
            where
                task_result.id = t.id
                and task_result.id < $2
                and task_result.id >= $3
            limit 1
        ) as r on true
        where
            coalesce(r.status, 'open') = any($5::text[])
            and ($17::bigint = 0 or r.id is null or r.finished_at <= $17)
            and (not $16 or not exists (
                select
                from adze.task as again
                where
                    again.replay_of = t.id
                    and again.id > t.id
            ))
        order by t.id desc
        limit $6
    )
    union all
    (
        select
            g.id,
            g.version_id,
            true as graph,
            g.replay_of,
            g.event_id,
            g.parent_id,
            g.schedule_id,
            g.run_at,
            g.priority,
            r.status,
            null as attempt,
            null as suspensions,
            null as worker_id,
            null as assigned_at,
            null as started_at,
            r.finished_at,
            r.error,
            g.input,
            g.metadata,
            null::bytea as output
        from (
            select *
            from adze.run
            where
                tenant_id = $1
                and id < $2
                and id >= $3
                and ($10 or version_id in (select id from wanted))
                and (cardinality($11::bigint[]) = 0 or parent_id = any($11))
                and ($12::bigint = 0 or event_id = $12)
                and (cardinality($13::text[]) = 0 or (
                    select case when $15 then bool_or(m.met) else bool_and(m.met) end
                    from (
                        select coalesce(convert_from(metadata, 'UTF8')::jsonb ->> k.key, '') = k.value as met
                        from unnest($13::text[], $14::text[]) as k (key, value)
                    ) as m
                ))
            order by id desc
            limit $7
        ) as g
        left join lateral (
            select *
            from adze.run_result
            where
                run_result.id = g.id
                and run_result.id < $2
                and run_result.id >= $3
            limit 1
        ) as r on true
        where
            coalesce(r.status, 'open') = any($5::text[])
            and ($17::bigint = 0 or r.id is null or r.finished_at <= $17)
            and (not $16 or not exists (
                select
                from adze.run as again
                where
                    again.replay_of = g.id
                    and again.id > g.id
            ))
        order by g.id desc
        limit $6
    )
    order by id desc
    limit $6
) as p
inner join lateral (
    select w.name
    from adze.workflow_version as v
    inner join adze.workflow as w on w.id = v.workflow_id
    where v.id = p.version_id
) as d on true
order by p.id desc
