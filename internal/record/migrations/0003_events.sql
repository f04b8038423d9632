-- Events: what was pushed, the runs it started, and the filters that chose them.
--
-- Event ids come from the same sequence as those of tasks: an event and the runs that
-- it started lie on the same day, and a partition of each goes with the others.

-- One row per event, written before its push is answered, with what follows from it.
create table adze.event (
    id          bigint not null,
    tenant_id   bigint not null,
    target_id   bigint,                       -- the run that it is addressed to; null = whom it may concern
    replay_of   bigint,                       -- the event that this one repeats
    priority    integer not null,             -- of the runs
    key         text not null,
    scope       text not null,                -- '' = none
    payload     bytea not null,               -- JSON
    metadata    bytea,                        -- JSON object
    warning     text,                         -- why a run that it might have started was not
    primary key (id)
) partition by range (id);
-- The newest events of a tenant, and those of a key: lists, and waits that look back.
create index event_tenant_idx on adze.event (tenant_id, id) where target_id is null;
create index event_key_idx on adze.event (tenant_id, key, id) where target_id is null;

-- One row per run that an event started.
create table adze.event_run (
    event_id    bigint not null,
    run_id      bigint not null,
    filter_id   bigint,                       -- the event_filter that chose it; null: the workflow had none
    primary key (event_id, run_id)
) partition by range (event_id);

-- Filters say which events of a scope start runs of a workflow. A filter never changes.
create table adze.event_filter (
    id          bigint primary key,
    tenant_id   bigint not null,
    created_at  timestamptz not null,
    workflow    text not null,
    scope       text not null,
    expression  text not null,                -- CEL
    payload     bytea                         -- JSON
);
create index event_filter_tenant_idx on adze.event_filter (tenant_id, id);

-- The event that started the run, and the payload (JSON) of the filter that chose it,
-- as it was then; null = none. Of a run of a graph, run has them.
alter table adze.task add column event_id bigint;
alter table adze.task add column given bytea;
alter table adze.run add column event_id bigint;
alter table adze.run add column given bytea;
