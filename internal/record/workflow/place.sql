-- Tells the place of a version among those of its workflow, from 1, in the order in which
-- they were registered.
-- Writes: nothing. Locks: nothing.
-- Bound: all versions of one workflow are counted.
select count(*)
from adze.workflow_version
where
    workflow_id = $1
    and id <= $2
