-- Reads spans of one run, earliest first.
-- Writes: nothing. Locks: nothing.
-- Bound: the spans of the run, one range of the primary key.
select
    run_id,
    started_at,
    duration_ns,
    retry_count,
    kind,
    status,
    trace_id,
    span_id,
    parent_id,
    name,
    service,
    scope_name,
    scope_version,
    message,
    resource,
    attributes
from adze.span
where
    run_id = $2
    and tenant_id = $1
order by started_at, span_id
limit $3
offset $4
