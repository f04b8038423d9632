-- Reads a page of a tenant's runs, newest first, without payloads, from a window
-- of ids (window.sql).
-- Writes: nothing. Locks: nothing.
-- Bound: the runs of the window, each with a look-up of its result.
select
    t.id,
    t.version_id,
    coalesce(t.replay_of, 0) as replay_of,
    t.run_at,
    t.priority,
    d.name as workflow,
    coalesce(r.status, '') as status,
    coalesce(r.attempt, 0) as attempt,
    coalesce(r.worker_id, 0) as worker_id,
    coalesce(r.assigned_at, 0) as assigned_at,
    coalesce(r.started_at, 0) as started_at,
    coalesce(r.finished_at, 0) as finished_at,
    coalesce(r.error, '') as error,
    null::bytea as input,
    null::bytea as metadata,
    null::bytea as output
from (
    select *
    from adze.task
    where
        tenant_id = $1
        and id < $2
        and id >= $3
        and ($4 = '' or version_id in (
            select v.id
            from adze.workflow as w
            inner join adze.workflow_version as v on v.workflow_id = w.id
            where
                w.tenant_id = $1
                and w.name = $4
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
inner join lateral (
    select w.name
    from adze.workflow_version as v
    inner join adze.workflow as w on w.id = v.workflow_id
    where v.id = t.version_id
) as d on true
where coalesce(r.status, 'open') = any($5::text[])
order by t.id desc
limit $6
