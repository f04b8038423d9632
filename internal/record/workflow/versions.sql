-- Reads a workflow's versions, newest first, each with its place in the order in which they
-- were registered and what its authors call it.
-- Writes: nothing. Locks: nothing.
-- Bound: $2 rows; all versions of one workflow are counted.
select
    v.id,
    v.place,
    coalesce(convert_from(v.definition, 'UTF8')::jsonb ->> 'label', '') as label
from (
    select
        id,
        definition,
        row_number() over (order by id) as place
    from adze.workflow_version
    where workflow_id = $1
    order by id desc
    limit $2
) as v
order by v.id desc
