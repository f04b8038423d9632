-- Filters that come with a workflow: those of its current version. And filters change.
alter table adze.event_filter add column declared boolean not null default false;
alter table adze.event_filter add column updated_at timestamptz;
update adze.event_filter set updated_at = created_at;
alter table adze.event_filter alter column updated_at set not null;
