-- Finds what schedules of a tenant started, after they are gone, the newest schedule first.
drop index adze.task_schedule_idx;
drop index adze.run_schedule_idx;
create index task_schedule_idx on adze.task (tenant_id, schedule_id) where schedule_id is not null;
create index run_schedule_idx on adze.run (tenant_id, schedule_id) where schedule_id is not null;
