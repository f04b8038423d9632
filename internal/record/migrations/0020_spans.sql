-- Spans: what the programs of a run measured, as OpenTelemetry has it.
--
-- Append-only, a partition a day, range on the run's id: spans go when their run goes. The
-- primary key makes a span that comes again the same row.

create table adze.span (
    run_id        bigint not null,
    tenant_id     bigint not null,
    started_at    bigint not null,            -- ns since the Unix epoch, by the program's clock
    duration_ns   bigint not null,
    retry_count   integer not null,           -- of the attempt that it belongs to, from 0
    kind          integer not null,           -- as OTLP numbers them
    status        integer not null,           -- likewise
    trace_id      bytea not null,
    span_id       bytea not null,
    parent_id     bytea,                      -- null: the root of its trace
    name          text not null,
    service       text not null,
    scope_name    text not null,
    scope_version text not null,
    message       text not null,              -- of the status
    resource      bytea not null,             -- attributes: JSON object of texts
    attributes    bytea not null,             -- likewise
    primary key (run_id, span_id)
) partition by range (run_id);
