-- Counts the newest of a tenant's tasks by how they stand, those of a run that was
-- replayed left out: the replay stands for it. A task of a graph that ended without a
-- start (skipped, cancelled) has a result only. Of those that are open it gives the newest
-- $9 ids: where they stand is the shard's to say. Those whose error begins with $10 are told
-- apart: they waited too long for a worker.
-- Writes: nothing. Locks: nothing.
-- Bound: $8 runs of one task and $8 of graphs, with a look-up of each of their tasks.
with versions as (
    select
        v.id,
        jsonb_array_length(convert_from(v.definition, 'UTF8')::jsonb -> 'tasks') as tasks
    from adze.workflow_version as v
    where
        v.tenant_id = $1
        and (cardinality($4::bigint[]) = 0 or v.workflow_id = any($4))
),

picked as (
    (
        select
            t.id,
            t.id as last
        from adze.task as t
        where
            t.tenant_id = $1
            and t.node is null
            and t.id >= $2
            and t.id < $3
            and t.version_id in (select v.id from versions as v)
            and (cardinality($5::bigint[]) = 0 or t.parent_id = any($5))
            and ($6::bigint = 0 or t.event_id = $6)
            and (
                cardinality($7::text[]) = 0
                or exists (
                    select from jsonb_each_text(convert_from(t.metadata, 'UTF8')::jsonb) as m
                    where m.key || ':' || m.value = any($7)
                )
            )
            and not exists (select from adze.task as again where again.replay_of = t.id and again.id > t.id)
        order by t.id desc
        limit $8
    )
    union all
    (
        select
            g.id + 1 as id,
            g.id + v.tasks as last
        from adze.run as g
        inner join versions as v on v.id = g.version_id
        where
            g.tenant_id = $1
            and g.id >= $2
            and g.id < $3
            and (cardinality($5::bigint[]) = 0 or g.parent_id = any($5))
            and ($6::bigint = 0 or g.event_id = $6)
            and (
                cardinality($7::text[]) = 0
                or exists (
                    select from jsonb_each_text(convert_from(g.metadata, 'UTF8')::jsonb) as m
                    where m.key || ':' || m.value = any($7)
                )
            )
            and not exists (select from adze.run as again where again.replay_of = g.id and again.id > g.id)
        order by g.id desc
        limit $8
    )
)
select
    coalesce(s.status, 'open') as standing,
    coalesce(s.late, false) as late,
    count(*) as tasks,
    coalesce((array_agg(s.id order by s.id desc) filter (where s.status is null))[:$9], '{}') as open_ids
from picked as p
cross join lateral (
    select
        coalesce(t.id, r.id) as id,
        r.status,
        r.late
    from (
        select task.id
        from adze.task
        where
            task.tenant_id = $1
            and task.id >= p.id
            and task.id <= p.last
    ) as t
    full join (
        select
            task_result.id,
            task_result.status,
            task_result.status = 'failed' and starts_with(task_result.error, $10) as late
        from adze.task_result
        where
            task_result.tenant_id = $1
            and task_result.id >= p.id
            and task_result.id <= p.last
    ) as r on r.id = t.id
) as s
group by 1, 2
