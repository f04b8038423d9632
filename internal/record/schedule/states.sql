-- Reads where the schedules of a shard stand, ids ascending.
-- Writes: nothing. Locks: nothing.
-- Bound: the schedules of the shard (core.SchedulesMax), once per take-over.
select
    st.id,
    st.tenant_id,
    st.due_at,
    st.last_at,
    coalesce(st.last_run_id, 0) as last_run_id,
    coalesce(st.running_id, 0) as running_id,
    st.queued_at,
    st.skipped,
    st.revision,
    s.overlap,
    s.at <> 0 as once
from adze.schedule_state as st
inner join adze.schedule as s on s.id = st.id
where st.shard = $1
order by st.id
