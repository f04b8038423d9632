-- Reads which schedules start runs of a workflow, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the schedules of the tenant, once when its workflow is deleted.
select id
from adze.schedule
where
    tenant_id = $1
    and workflow = $2
order by id
