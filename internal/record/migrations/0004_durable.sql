-- Durable tasks: their logs, what they wait for, what they spawned.

-- One row per thing that a durable task did, in the order of its code. A task that
-- goes on elsewhere is given these, and runs nothing again that is among them.
create table adze.durable_entry (
    task_id     bigint not null,
    tenant_id   bigint not null,
    at          bigint not null,              -- ms since the Unix epoch
    index       integer not null,             -- its place, 1-based
    kind        text not null,                -- step, wait, spawn, value, patch, answer
    name        text not null,
    error       text,                         -- of a step that failed
    data        bytea,                        -- JSON
    conditions  bytea,                        -- of a wait: JSON, as wait.conditions
    primary key (task_id, index)
) partition by range (task_id);

-- One row per condition of a wait that was met.
create table adze.condition_met (
    task_id     bigint not null,
    tenant_id   bigint not null,
    event_id    bigint,                       -- that did it; null = a time, or runs
    met_order   bigint not null,              -- which of several came first
    at          bigint not null,
    index       integer not null,             -- of the wait's entry; 0 = of a task of a graph
    condition   integer not null,             -- its place in the wait
    data        bytea,                        -- the event's payload
    primary key (task_id, index, condition)
) partition by range (task_id);

-- What open tasks wait for: a row until it is over.
create table adze.wait (
    task_id     bigint not null,
    tenant_id   bigint not null,
    run_id      bigint,                       -- of a task of a graph
    shard       integer not null,
    index       integer not null,             -- as condition_met.index
    watched     boolean not null,             -- for more than times: a new owner must know it at once
    conditions  bytea not null,               -- JSON
    primary key (task_id, index)
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
create index wait_watched_idx on adze.wait (shard, task_id) where watched;

-- What a durable task answered to a request, which is an event addressed to its run.
create table adze.reply (
    event_id    bigint not null,
    tenant_id   bigint not null,
    at          bigint not null,
    error       text,                         -- why it was refused
    data        bytea,                        -- JSON
    primary key (event_id)
) partition by range (event_id);

-- What a durable task publishes: the last value of each name.
create table adze.durable_value (
    task_id     bigint not null,
    tenant_id   bigint not null,
    at          bigint not null,
    name        text not null,
    data        bytea not null,               -- JSON
    primary key (task_id, name)
) partition by range (task_id);

-- Who spawned which run. The key finds it again when the parent is retried.
create table adze.child (
    parent_id   bigint not null,              -- a task
    tenant_id   bigint not null,
    run_id      bigint not null,
    cancel      boolean not null,             -- when the parent ends
    key         text not null,
    primary key (parent_id, key)
) partition by range (parent_id);

-- Tasks whose children are being cancelled.
create table adze.closing (
    task_id     bigint primary key,
    tenant_id   bigint not null,
    shard       integer not null,
    whole       boolean not null,             -- all children, and theirs
    reason      text not null
);

alter table adze.task add column parent_id bigint;
alter table adze.run add column parent_id bigint;

alter table adze.open_task add column entries integer not null default 0;
alter table adze.open_task add column waits integer not null default 0;
alter table adze.open_task add column binds boolean not null default false;
alter table adze.open_task drop constraint open_task_state_check;
alter table adze.open_task add constraint open_task_state_check
    check (state in ('ready', 'delayed', 'running', 'waiting'));
