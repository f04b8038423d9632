-- Reads all versions of all workflows of a shard's tenants, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the definitions of the shard, once per take-over.
select
    v.id,
    v.workflow_id,
    v.tenant_id,
    v.id = w.current_id as current,
    v.definition
from adze.tenant as t
inner join adze.workflow as w on w.tenant_id = t.id
inner join adze.workflow_version as v on v.workflow_id = w.id
where t.shard = $1
order by v.id
