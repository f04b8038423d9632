-- Lists schedules of a tenant with where they stand, ids ascending: the oldest first.
-- Writes: nothing. Locks: nothing.
-- Bound: $5 rows of one range of schedule_tenant_idx; those of other workflows or kinds
-- are passed over, at most a tenant's schedules (core.SchedulesMax).
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
    s.metadata,
    st.due_at,
    st.last_at,
    coalesce(st.last_run_id, 0) as last_run_id,
    coalesce(st.running_id, 0) as running_id,
    st.queued_at,
    st.skipped,
    st.revision
from adze.schedule as s
inner join adze.schedule_state as st on st.id = s.id
where
    s.tenant_id = $1
    and s.id > $2
    and ($3 = '' or s.workflow = $3)
    and ($4 = '' or s.name = $4)
order by s.id
limit $5
