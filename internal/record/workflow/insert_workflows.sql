-- Makes sure that workflows of these names exist; a new one has no version yet.
-- Writes: adze.workflow. Locks: the new rows, in ascending order of names; the tenant's row, key share.
-- Bound: the definitions of one call.
insert into adze.workflow (
    id,
    tenant_id,
    current_id,
    name
)
select
    new.id,
    $1,
    0,
    new.name
from unnest(
    $2::bigint[],
    $3::text[]
) with ordinality as new (id, name, n)
order by new.n
on conflict (tenant_id, name) do nothing
