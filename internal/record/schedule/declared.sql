-- Reads the schedules that are declared in the code of these workflows of a tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: the crons of the workflows of one call: a range of schedule_declared_idx each.
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
    and s.declared
    and s.workflow = any($2::text[])
