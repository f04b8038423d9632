-- Runs of workflows of several tasks.
--
-- A run takes one id more than its workflow has tasks: its own, and in one row after
-- it those of its tasks, run + 1 + place. All rows of a run lie together in each
-- table and are found by a range of ids.

-- One row per run, written before its submit is answered.
create table adze.run (
    id          bigint not null,
    tenant_id   bigint not null,
    version_id  bigint not null,
    run_at      bigint not null,              -- ms since the Unix epoch; 0 = at once
    replay_of   bigint,
    priority    integer not null,
    key         text not null,
    input       bytea not null,               -- JSON
    metadata    bytea,                        -- JSON object
    primary key (id)
) partition by range (id);
create index run_tenant_idx on adze.run (tenant_id, id);

-- One row per run that ended. What its tasks gave is in their results.
create table adze.run_result (
    id          bigint not null,              -- run.id
    tenant_id   bigint not null,
    finished_at bigint not null,
    status      text not null,                -- succeeded, failed, cancelled
    error       text,
    primary key (id)
) partition by range (id);

-- The checkpoint of runs that are open longer than a moment, as open_task is of tasks.
create table adze.open_run (
    id          bigint primary key,
    tenant_id   bigint not null,
    version_id  bigint not null,
    run_at      bigint not null,
    shard       integer not null,
    priority    integer not null,
    key         text not null,
    cancel      text not null                 -- it was cancelled: the error of its result; '' = no
) with (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
create index open_run_shard_idx on adze.open_run (shard, id);

-- The place of a task in its run's graph; null: the task is a run of its own.
-- The run's id is id - 1 - node. The input of such a task is its run's.
alter table adze.task add column node integer;
alter table adze.open_task add column node integer;
-- What conditions of other tasks said of this one's output: pairs of (node, 1 skip | 2
-- cancel); null = nothing.
alter table adze.task_result add column verdicts integer[];

-- A list of runs leaves out the tasks of graphs: they have no place in its index.
drop index adze.task_tenant_idx;
create index task_tenant_idx on adze.task (tenant_id, id) where node is null;
