-- Reads the ids of a workflow's versions, newest first.
-- Writes: nothing. Locks: nothing.
-- Bound: $2 rows, of one workflow.
select id
from adze.workflow_version
where workflow_id = $1
order by id desc
limit $2
