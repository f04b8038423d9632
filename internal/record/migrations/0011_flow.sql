-- Flow control: what decides when and where a task may run.

-- What the expressions of a definition gave for a run, JSON (record/flow); null = nothing.
alter table adze.task add column flow bytea;
alter table adze.run add column flow bytea;

-- A checkpoint row says where its task waits: queue and key are of a class of a queue, or
-- of a limit. rank is its place there, before the id.
alter table adze.open_task
    add column rank bigint not null default 0,
    add column passed integer not null default 0, -- how many limits it has a place in
    add column flow bytea;
update adze.open_task set rank = -priority where priority <> 0;
alter table adze.open_run
    add column passed integer not null default 0;

drop index adze.open_task_lane_idx;
create index open_task_lane_idx on adze.open_task (shard, tenant_id, queue, key, rank, id)
    where state = 'ready';
-- Who has places in limits: a new owner must know them at once.
create index open_task_holding_idx on adze.open_task (shard, id)
    where passed > 0 and state <> 'running';
create index open_run_holding_idx on adze.open_run (shard, id)
    where passed > 0;

-- How queues, limits and rate limits work; rarely written.
create table adze.setting (
    tenant_id   bigint not null,
    shard       integer not null,
    declared    boolean not null,             -- by a workflow; what is set otherwise goes first
    kind        text not null,                -- queue, limit, rate, workflow
    name        text not null,
    key         text not null,                -- for one key of it only; '' = for all
    setting     bytea not null,               -- JSON
    primary key (tenant_id, kind, name, key, declared)
);
create index setting_shard_idx on adze.setting (shard);

-- A worker that has not left is expected back by a new owner.
alter table adze.worker add column left_at timestamptz;
update adze.worker set left_at = joined_at;
create index worker_present_idx on adze.worker (id) where left_at is null;
