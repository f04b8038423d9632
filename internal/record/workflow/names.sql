-- Reads ids and names of workflows that have one of the ids, or one of the names.
-- Writes: nothing. Locks: nothing.
-- Bound: a row for each id and each name, by the primary key and the unique name.
select
    id,
    name
from adze.workflow
where
    tenant_id = $1
    and (id = any($2::bigint[]) or name = any($3::text[]))
