-- Reads the schedules of a tenant that have one of these names.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up by the unique name per name.
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
where
    s.tenant_id = $1
    and s.name = any($2::text[])
