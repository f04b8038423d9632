-- Reads one run of a graph of a tenant, with or without its payloads, and the
-- definition of its workflow.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by primary key.
select
    g.id,
    g.version_id,
    coalesce(g.replay_of, 0) as replay_of,
    coalesce(g.event_id, 0) as event_id,
    coalesce(g.parent_id, 0) as parent_id,
    coalesce(g.schedule_id, 0) as schedule_id,
    g.run_at,
    g.priority,
    w.name as workflow,
    coalesce(r.status, '') as status,
    coalesce(r.finished_at, 0) as finished_at,
    coalesce(r.error, '') as error,
    case when $3 then g.input end as input,
    case when $3 then g.metadata end as metadata,
    v.definition
from adze.run as g
inner join adze.workflow_version as v on v.id = g.version_id
inner join adze.workflow as w on w.id = v.workflow_id
left join adze.run_result as r on r.id = g.id and r.id = $2
where
    g.id = $2
    and g.tenant_id = $1
