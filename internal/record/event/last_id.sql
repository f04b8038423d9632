-- Reads the largest id of any event, of all shards; 0 if there is none.
-- Writes: nothing. Locks: nothing.
-- Bound: one look at the end of each partition's primary key.
select coalesce(max(id), 0) from adze.event
