-- Reads how a key of a thing works, as it was set; not as it is declared.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by the primary key.
select
    declared,
    kind,
    name,
    key,
    setting
from adze.setting
where
    tenant_id = $1
    and kind = $2
    and name = $3
    and key = $4
    and not declared
