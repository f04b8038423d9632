-- Tasks that a worker is given together.

-- Of a running task: the number of its batch, 0 = it was given alone. The members of a
-- batch share a slot.
alter table adze.open_task add column batch bigint not null default 0;
