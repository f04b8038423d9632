-- Reads what workers are told of runs of one task, by id; ids without a row are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id, in each partition between the first and the
-- last. Those of a queue lie close together, and so this costs half of a look-up each.
select
    id,
    tenant_id,
    coalesce(replay_of, 0) as replay_of,
    coalesce(event_id, 0) as event_id,
    coalesce(parent_id, 0) as parent_id,
    priority,
    input,
    metadata,
    given
from adze.task
where
    id = any($1::bigint[])
    and id >= $2
    and id <= $3
