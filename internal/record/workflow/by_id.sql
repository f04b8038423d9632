-- Reads versions of workflows by id, with their definitions; ids without one are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id.
select
    v.id,
    v.tenant_id,
    v.workflow_id,
    v.definition
from adze.workflow_version as v
where v.id = any($1::bigint[])
order by v.id
