-- Reads one run of one task of a tenant, with or without its payloads.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by primary key.
select
    t.id,
    t.version_id,
    false as graph,
    coalesce(t.replay_of, 0) as replay_of,
    coalesce(t.event_id, 0) as event_id,
    coalesce(t.parent_id, 0) as parent_id,
    coalesce(t.schedule_id, 0) as schedule_id,
    t.run_at,
    t.priority,
    d.name as workflow,
    coalesce(r.status, '') as status,
    coalesce(r.attempt, 0) as attempt,
    coalesce(r.suspensions, 0) as suspensions,
    coalesce(r.worker_id, 0) as worker_id,
    coalesce(r.assigned_at, 0) as assigned_at,
    coalesce(r.started_at, 0) as started_at,
    coalesce(r.finished_at, 0) as finished_at,
    coalesce(r.error, '') as error,
    case when $3 then t.input end as input,
    case when $3 then t.metadata end as metadata,
    case when $3 then r.output end as output
from adze.task as t
left join adze.task_result as r on r.id = t.id and r.id = $2
inner join lateral (
    select w.name
    from adze.workflow_version as v
    inner join adze.workflow as w on w.id = v.workflow_id
    where v.id = t.version_id
) as d on true
where
    t.id = $2
    and t.tenant_id = $1
    and t.node is null
