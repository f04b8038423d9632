-- Reads the names of tasks, given by version and place, and of their workflows, in order.
-- Writes: nothing. Locks: nothing.
-- Bound: two look-ups by primary key per task, and one definition decoded.
select
    w.name as workflow,
    coalesce(nullif(convert_from(v.definition, 'UTF8')::json -> 'tasks' -> p.node ->> 'name', ''), w.name) as task
from unnest($1::bigint[], $2::integer[]) with ordinality as p (version_id, node, place)
inner join adze.workflow_version as v on v.id = p.version_id
inner join adze.workflow as w on w.id = v.workflow_id
order by p.place
