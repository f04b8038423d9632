-- Moments: what happened to attempts on their way.
--
-- Append-only, a partition a day, range on the task's id: they go when their task goes.
-- The primary key makes a moment that is told again the same row. An attempt to which
-- nothing of the kind happens has none.

create table adze.moment (
    task_id     bigint not null,
    tenant_id   bigint not null,
    token       bigint not null,              -- of the assignment
    happened_at bigint not null,              -- ms since the Unix epoch
    deadline    bigint not null,              -- postponed: where it is now; else 0
    worker_id   bigint not null,              -- that had the attempt
    by_ms       bigint,                       -- postponed: how much later than before
    assigned_at bigint,                       -- suspended: when the worker was given it
    started_at  bigint,                       -- suspended: when it said that it began; null: it did not
    attempt     integer not null,
    kind        text not null check (kind in ('postponed', 'released', 'suspended')),
    primary key (task_id, token, kind, deadline)
) partition by range (task_id);
