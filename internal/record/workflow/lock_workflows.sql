-- Locks workflows, so that their versions are registered by one caller at a time.
-- Writes: nothing. Locks: the rows, in ascending order of names: whoever
-- registers the same workflows waits, and nobody waits in a circle.
-- Bound: the definitions of one call.
select
    id,
    name,
    current_id
from adze.workflow
where
    tenant_id = $1
    and name = any($2::text[])
order by name collate "C"
for update
