-- Finds the run that a schedule started, after the schedule is gone. Few runs are of one.
create index task_schedule_idx on adze.task (schedule_id) where schedule_id is not null;
create index run_schedule_idx on adze.run (schedule_id) where schedule_id is not null;
