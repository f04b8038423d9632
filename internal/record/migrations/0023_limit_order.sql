-- How a limit has tasks wait can be changed while any number do: by rank, or by id.

create index open_task_limit_idx on adze.open_task (shard, tenant_id, queue, key, id)
    where state = 'ready' and queue like '@limit %';

-- Where ranks do not count they were not written: what was begun before goes first, then
-- the higher priority.
update adze.open_task
set rank = case when attempt > 1 then -1001 else -priority end
where state = 'ready' and queue like '@limit %';
