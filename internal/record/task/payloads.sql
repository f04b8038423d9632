-- Reads what workers are told of runs of one task, by id; ids without a row are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id, in each partition between the first and the
-- last. Those of a queue lie close together, and so this costs half of a look-up each.
select
    id,
    replay_of,
    event_id,
    parent_id,
    priority,
    input,
    metadata,
    given
from adze.task
where
    id = any($1::bigint[])
    and id >= $2
    and id <= $3
