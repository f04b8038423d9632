-- Writes spans of runs that the tenant has; those of others are left out.
-- Writes: adze.span. Locks: nothing that is there.
-- Bound: the rows given, each with a look-up of its run.
insert into adze.span (
    run_id,
    tenant_id,
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
)
select
    s.run_id,
    $1,
    s.started_at,
    s.duration_ns,
    s.retry_count,
    s.kind,
    s.status,
    s.trace_id,
    s.span_id,
    s.parent_id,
    s.name,
    s.service,
    s.scope_name,
    s.scope_version,
    s.message,
    s.resource,
    s.attributes
from
    unnest(
        $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[],
        $8::bytea[], $9::bytea[], $10::bytea[],
        $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::bytea[], $17::bytea[]
    ) as s (
        run_id, started_at, duration_ns, retry_count, kind, status,
        trace_id, span_id, parent_id,
        name, service, scope_name, scope_version, message,
        resource, attributes
    )
where
    exists (
        select
        from adze.task
        where
            task.id = s.run_id
            and task.tenant_id = $1
    )
    or exists (
        select
        from adze.run
        where
            run.id = s.run_id
            and run.tenant_id = $1
    )
on conflict do nothing
