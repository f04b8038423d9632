-- The tables of the main job: definitions, tasks and their results.
--
-- Ids are made by the owner of a shard (internal/base/id): time-ordered, so a
-- range of ids is a range of days, and the primary key is the partition key.
-- Columns stand in the order of their alignment. Payloads are bytea: the engine
-- never looks into them in SQL, and jsonb costs 1.7 times as much to write.
-- Partitions are not made here: keeper owns them.

create schema adze;

-- Definitions: rarely written, never partitioned -----------------------------

create table adze.tenant (
    id          bigint primary key,
    uuid        uuid not null unique,         -- the "sub" of its tokens
    shard       integer not null,
    name        text not null unique,
    created_at  timestamptz not null
);

create table adze.token (
    id          uuid primary key,             -- the "token_id" of the JWT
    tenant_id   bigint not null references adze.tenant,
    name        text not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    revoked_at  timestamptz
);

-- What tokens are signed with; one row, made at the first start.
create table adze.signing_key (
    singleton   boolean primary key default true check (singleton),
    secret      bytea not null
);

create table adze.workflow (
    id          bigint primary key,
    tenant_id   bigint not null references adze.tenant,
    current_id  bigint not null,              -- the workflow_version that new runs get
    name        text not null,
    unique (tenant_id, name)
);

create table adze.workflow_version (
    id          bigint primary key,
    workflow_id bigint not null references adze.workflow,
    tenant_id   bigint not null,
    created_at  timestamptz not null,
    digest      bytea not null,               -- SHA-256 of definition: the same digest is the same version
    definition  bytea not null,               -- JSON
    unique (workflow_id, digest)
);

create table adze.worker (
    id          bigint primary key,
    tenant_id   bigint not null,
    joined_at   timestamptz not null,
    slots       integer not null,
    name        text not null,
    sdk         text not null,
    actions     text[] not null
);
create index worker_tenant_idx on adze.worker (tenant_id, id);

-- Who owns a shard. epoch only grows: a batch that carries an older one is
-- refused by adze.fence.
create table adze.shard_lease (
    shard       integer primary key,
    epoch       bigint not null,
    owner       bigint not null,              -- backend-independent id of the owning process; 0 = nobody
    renewed_at  timestamptz not null
);

-- fence makes the transaction fail unless the caller still owns the shard. The
-- lock comes first and the check is a statement of its own, so that it reads a
-- snapshot taken under the lock; a take-over holds the lock exclusively while it
-- raises the epoch. Locks are taken in ascending order of shards by the caller.
create function adze.fence(fenced_shard integer, expected_epoch bigint) returns void
language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock_shared(1633974885, fenced_shard);
    if not exists (
        select from adze.shard_lease
        where shard = fenced_shard and epoch = expected_epoch
    ) then
        raise exception 'shard % is no longer owned with epoch %', fenced_shard, expected_epoch
            using errcode = 'ADZ01', detail = fenced_shard::text;
    end if;
end
$$;

-- Tasks: append-only, a partition a day ------------------------------------------

-- One row per task, written before its submit is answered. A run of one task is
-- this row: run id = task id.
create table adze.task (
    id          bigint not null,
    tenant_id   bigint not null,
    version_id  bigint not null,
    run_at      bigint not null,              -- ms since the Unix epoch; 0 = at once
    replay_of   bigint,                       -- the run that this one repeats
    priority    integer not null,
    key         text not null,                -- fairness key; '' = none
    input       bytea not null,               -- JSON
    metadata    bytea,                        -- JSON object
    primary key (id)
) partition by range (id);
create index task_tenant_idx on adze.task (tenant_id, id);

-- One row per finished task, written before its completion is answered. It is
-- the one answer to "has it ended"; its primary key decides that it ends once.
create table adze.task_result (
    id          bigint not null,              -- task.id
    tenant_id   bigint not null,
    worker_id   bigint,
    assigned_at bigint not null,              -- ms since the Unix epoch; 0 = never
    started_at  bigint not null,
    finished_at bigint not null,
    attempt     integer not null,
    status      text not null,                -- succeeded, failed, cancelled
    error       text,
    output      bytea,                        -- JSON
    primary key (id)
) partition by range (id);

-- One row per attempt that ended without ending its task.
create table adze.attempt (
    task_id     bigint not null,
    tenant_id   bigint not null,
    worker_id   bigint,
    assigned_at bigint not null,
    started_at  bigint not null,
    finished_at bigint not null,
    retry_at    bigint not null,
    number      integer not null,
    outcome     text not null,                -- failed, timed_out, lost
    error       text not null,
    primary key (task_id, number)
) partition by range (task_id);

-- The checkpoint: what is still open a second or two after it was submitted or
-- assigned, and every task that does not fit its lane's window in memory. Off the
-- path of a short task. Small updates of unindexed columns stay on the page.
create table adze.open_task (
    id          bigint primary key,
    tenant_id   bigint not null,
    version_id  bigint not null,
    worker_id   bigint not null,              -- 0 = none
    token       bigint not null,              -- 0 = none
    due_at      bigint not null,              -- ms since the Unix epoch; 0 = none
    assigned_at bigint not null,
    shard       integer not null,
    priority    integer not null,
    attempt     integer not null,
    failures    integer not null,
    state       text not null check (state in ('ready', 'delayed', 'running')),
    queue       text not null,
    key         text not null,
    cancel      text not null                 -- running, and told to stop: the error of its result; '' = no
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);
-- Windows of a lane, in lane order. The priority is negated so that all columns
-- ascend: only then is a window one range of the index.
create index open_task_lane_idx on adze.open_task (shard, tenant_id, queue, key, (-priority), id)
    where state = 'ready';
-- What falls due: run-at, back-off, schedule timeouts.
create index open_task_due_idx on adze.open_task (shard, due_at, id)
    where state <> 'running' and due_at > 0;
-- What a new owner must know at once; few rows beside a deep backlog.
create index open_task_running_idx on adze.open_task (shard, id)
    where state = 'running';

-- Below this id, everything open of the shard is in open_task.
create table adze.low_water (
    shard       integer primary key,
    id          bigint not null
) with (fillfactor = 50);
