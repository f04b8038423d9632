-- Reads schedules by id; ids without a row are left out.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by primary key per id.
select
    s.id,
    s.tenant_id,
    s.at,
    s.jitter_ms,
    s.priority,
    s.catch_up_max,
    s.overlap,
    s.catch_up,
    s.paused,
    s.declared,
    s.workflow,
    coalesce(s.name, '') as name,
    s.expression,
    s.zone,
    s.input,
    s.metadata
from adze.schedule as s
where s.id = any($1::bigint[])
