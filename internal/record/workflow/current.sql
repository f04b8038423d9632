-- Reads the current version of a workflow by its name.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by the unique name.
select
    v.id,
    v.workflow_id,
    v.tenant_id,
    true as current,
    v.definition
from adze.workflow as w
inner join adze.workflow_version as v on v.id = w.current_id
where
    w.tenant_id = $1
    and w.name = $2
