-- Writes a version of a workflow.
-- Writes: adze.workflow_version. Locks: the row; the workflow's row is locked already.
-- Bound: one row.
insert into adze.workflow_version (
    id,
    workflow_id,
    tenant_id,
    created_at,
    digest,
    definition
)
values ($1, $2, $3, $4, $5, $6)
