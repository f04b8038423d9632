-- Leaves a workflow without a version that new runs get. Its versions stay: runs of them
-- go on, and registering one of them again makes it current.
-- Writes: adze.workflow. Locks: the row.
-- Bound: one row, by the unique name.
update adze.workflow
set current_id = 0
where
    tenant_id = $1
    and name = $2
    and current_id <> 0
