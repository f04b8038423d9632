-- Schedules: what starts runs by itself, once or by a cron expression.
--
-- A schedule is two rows: what it says, which seldom changes and may be large, and where
-- it stands, which changes with each tick, in the commit of the run that the tick starts.

create table adze.schedule (
    id           bigint primary key,
    tenant_id    bigint not null,
    at           bigint not null,             -- of a one-off: ms since the Unix epoch; 0 = by expression
    jitter_ms    bigint not null,
    shard        integer not null,
    priority     integer not null,            -- of the runs
    catch_up_max integer not null,
    paused       boolean not null,
    declared     boolean not null,            -- in code; else made at run time
    overlap      text not null,               -- allow, skip, queue, cancel_old
    catch_up     text not null,               -- last, none, all
    workflow     text not null,
    name         text,                        -- of a cron; null: a one-off
    expression   text not null,
    zone         text not null,               -- IANA; '' = UTC
    input        bytea not null,              -- JSON
    metadata     bytea,                       -- JSON object
    unique (tenant_id, name)
);
create index schedule_tenant_idx on adze.schedule (tenant_id, id);
-- What a workflow declared before, each time that it is registered.
create index schedule_declared_idx on adze.schedule (tenant_id, workflow) where declared;

-- Small updates of unindexed columns stay on the page.
create table adze.schedule_state (
    id           bigint primary key,          -- schedule.id
    tenant_id    bigint not null,
    due_at       bigint not null,             -- ms since the Unix epoch; 0 = not before it is changed
    last_at      bigint not null,             -- ticks up to here are dealt with
    last_run_id  bigint,
    running_id   bigint,                      -- the open run that the overlap policy looks at
    queued_at    bigint not null,             -- the tick that waits for running_id; 0 = none
    skipped      bigint not null,
    shard        integer not null,
    revision     integer not null
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
create index schedule_state_shard_idx on adze.schedule_state (shard, id);

-- The schedule that started the run, whose run_at is then the tick; null = none. Of a run
-- of a graph, run has it.
alter table adze.task add column schedule_id bigint;
alter table adze.run add column schedule_id bigint;
