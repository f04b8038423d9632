-- Reads a page of how things of a kind work, by name, key and by whom.
-- Writes: nothing. Locks: nothing.
-- Bound: $7 rows, along the primary key.
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
    and ($3 = '' or name = $3)
    and (name, key, declared) > ($4, $5, $6)
order by
    name,
    key,
    declared
limit $7
