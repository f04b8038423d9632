-- Ways to what is waited for.

-- Which tasks have waits, by where they stand: a new owner counts those that are
-- suspended, and reads what the others wait for. A task that waits for nothing has no
-- place in it.
create index open_task_waits_idx on adze.open_task (shard, state, id) where waits > 0;

-- The signals of a run: waits that look back. Only a signal has a place in it.
create index event_target_idx on adze.event (target_id, id) where target_id is not null;
