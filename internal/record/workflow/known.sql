-- Reads the versions that have one of these digests.
-- Writes: nothing. Locks: nothing.
-- Bound: the definitions of one call, squared at worst: equal definitions have unequal names.
select
    w.name,
    w.id,
    w.current_id,
    v.id,
    v.digest
from adze.workflow as w
inner join adze.workflow_version as v on v.workflow_id = w.id
where
    w.tenant_id = $1
    and w.name = any($2::text[])
    and v.digest = any($3::bytea[])
