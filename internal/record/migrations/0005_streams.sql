-- What attempts write while they run: lines of logs, chunks of streams.
--
-- Append-only, a partition a day, range on the task's id: what a task wrote goes
-- when the task goes. The primary keys are the order in which a reader wants them,
-- for tokens ascend, and make a row that comes again the same row. It is the token
-- and not the attempt: a durable task that was suspended goes on with the same
-- attempt, and counts from 0 again.

create table adze.log_line (
    task_id     bigint not null,
    tenant_id   bigint not null,
    token       bigint not null,              -- of the assignment
    logged_at   bigint not null,              -- ms since the Unix epoch, by the worker's clock
    attempt     integer not null,
    seq         integer not null,             -- counts the lines of the assignment, from 0
    level       integer not null,             -- -4 debug, 0 info, 4 warn, 8 error, and between
    message     text not null,
    fields      bytea,                        -- JSON object
    primary key (task_id, token, seq)
) partition by range (task_id);

create table adze.stream_chunk (
    task_id     bigint not null,
    tenant_id   bigint not null,
    token       bigint not null,              -- of the assignment
    attempt     integer not null,
    seq         integer not null,             -- counts the chunks of the assignment, from 0
    data        bytea not null,
    primary key (task_id, token, seq)
) partition by range (task_id);
