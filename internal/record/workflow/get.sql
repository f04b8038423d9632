-- Reads a workflow of a tenant by its id, with its current version.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by the primary key.
select
    w.id,
    w.name,
    v.id,
    v.definition
from adze.workflow as w
inner join adze.workflow_version as v on v.id = w.current_id
where
    w.tenant_id = $1
    and w.id = $2
