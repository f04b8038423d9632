-- Reads the failures of a tenant from a window of ids (failed_window.sql), newest first:
-- tasks that failed whose run has failed. A run of a graph that was cancelled, or is open,
-- has not. The run's id is up to 1,001 (core.NodesMax + 1) below its task's.
-- Writes: nothing. Locks: nothing.
-- Bound: the failures of the window, each with a look-up of its task, and of its run's
-- result. The lateral limits keep it that way (see record/task/inputs.sql).
with wanted as (
    select v.id
    from adze.workflow as w
    inner join adze.workflow_version as v on v.workflow_id = w.id
    where
        w.tenant_id = $1
        and w.name = $4
)
select
    f.id,
    coalesce(f.id - 1 - t.node, f.id) as run_id,
    t.version_id,
    f.fingerprint,
    f.finished_at,
    coalesce(t.node, 0) as node
from (
    select
        id,
        fingerprint,
        finished_at
    from adze.task_result
    where
        tenant_id = $1
        and fingerprint is not null
        and id < $2
        and id >= $3
        and ($5::bigint = 0 or fingerprint = $5)
    order by id desc
    limit $6
) as f
cross join lateral (
    select
        task.version_id,
        task.node
    from adze.task
    where
        task.id = f.id
        and task.id < $2
        and task.id >= $3
    limit 1
) as t
left join lateral (
    select run_result.status
    from adze.run_result
    where
        run_result.id = f.id - 1 - t.node
        and run_result.id < $2
        and run_result.id >= $3::bigint - 1001
    limit 1
) as r on true
where
    (t.node is null or r.status = 'failed')
    and ($4::text = '' or t.version_id in (select id from wanted))
order by f.id desc
