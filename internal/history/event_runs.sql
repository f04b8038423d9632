-- Reads the runs that events started, $2 of each at most, ids ascending, with how they
-- ended.
-- Writes: nothing. Locks: nothing.
-- Bound: $2 entries of event_run's primary key per event, each with four look-ups by
-- primary key. The lateral limits keep it that way (see record/task/inputs.sql).
select
    r.event_id,
    r.run_id,
    coalesce(r.filter_id, 0) as filter_id,
    w.name as workflow,
    coalesce(one.status, several.status, '') as status
from unnest($1::bigint[]) as wanted (id)
cross join lateral (
    select *
    from adze.event_run
    where event_run.event_id = wanted.id
    order by event_run.run_id
    limit $2
) as r
left join lateral (
    select task.version_id
    from adze.task
    where task.id = r.run_id
    limit 1
) as t on true
left join lateral (
    select run.version_id
    from adze.run
    where run.id = r.run_id
    limit 1
) as g on true
left join lateral (
    select task_result.status
    from adze.task_result
    where task_result.id = r.run_id
    limit 1
) as one on true
left join lateral (
    select run_result.status
    from adze.run_result
    where run_result.id = r.run_id
    limit 1
) as several on true
inner join lateral (
    select workflow.name
    from adze.workflow_version as v
    inner join adze.workflow on workflow.id = v.workflow_id
    where v.id = coalesce(t.version_id, g.version_id)
) as w on true
order by r.event_id desc, r.run_id
