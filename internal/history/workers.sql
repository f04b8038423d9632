-- Reads a tenant's workers that are there, or were since a time; newest first.
-- Writes: nothing. Locks: nothing.
-- Bound: $4 rows are looked at, through worker_tenant_idx.
select
    id,
    joined_at,
    left_at,
    paused,
    slots,
    name,
    sdk,
    actions,
    labels,
    slot_types,
    runtime
from (
    select *
    from adze.worker
    where tenant_id = $1
    order by id desc
    limit $4
) as known
where
    left_at is null
    or left_at >= $2
order by id desc
limit $3
