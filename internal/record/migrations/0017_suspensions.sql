-- How often a durable task was suspended: with the attempts it numbers its assignments.

alter table adze.open_task add column suspensions integer not null default 0;

-- null = never: the column takes no room then.
alter table adze.task_result add column suspensions integer;
