-- Reads the first run of a tenant that a schedule started.
-- Writes: nothing. Locks: nothing.
-- Bound: one entry of task_schedule_idx and of run_schedule_idx per partition, and two
-- look-ups by primary key.
select
    r.id,
    r.run_at,
    w.name as workflow,
    r.version_id,
    w.id as workflow_id,
    r.priority,
    r.input,
    r.metadata
from (
    select id, run_at, version_id, priority, input, metadata
    from adze.task
    where schedule_id = $2 and tenant_id = $1
    union all
    select id, run_at, version_id, priority, input, metadata
    from adze.run
    where schedule_id = $2 and tenant_id = $1
) as r
inner join adze.workflow_version as v on v.id = r.version_id
inner join adze.workflow as w on w.id = v.workflow_id
order by r.id
limit 1
