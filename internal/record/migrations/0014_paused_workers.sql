-- A worker that was paused from outside is given nothing new until it is resumed; a new
-- owner must know that.
alter table adze.worker add column paused boolean not null default false;
