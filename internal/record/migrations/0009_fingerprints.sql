-- Failures by what they have in common, and which runs were replayed.

-- The shape of the error of a task that failed (internal/base/fingerprint); null: it did
-- not fail. Of a run of a graph, the task that failed has it.
alter table adze.task_result add column fingerprint bigint;

-- Only what failed has a place in it: the others pay nothing.
create index task_result_failed_idx on adze.task_result (tenant_id, id, fingerprint)
    where fingerprint is not null;

-- The replays of a run. Only a replay has a place in them.
create index task_replay_idx on adze.task (replay_of, id) where replay_of is not null;
create index run_replay_idx on adze.run (replay_of, id) where replay_of is not null;
