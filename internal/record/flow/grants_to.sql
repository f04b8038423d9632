-- Reads who lets the workers of a home run tasks, by tenant.
-- Writes: nothing. Locks: nothing.
-- Bound: $3 rows, of the settings of a shard, through setting_shard_idx.
select
    tenant_id,
    name,
    setting
from adze.setting
where
    shard = $1
    and kind = 'grant'
    and name = $2
order by tenant_id
limit $3
