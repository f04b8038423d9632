-- Takes back how things work.
-- Writes: adze.setting. Locks: the rows, in the order of the arrays.
-- Bound: a request's settings.
delete from adze.setting
using unnest(
    $1::bigint[],
    $2::boolean[],
    $3::text[],
    $4::text[],
    $5::text[]
) as gone (tenant_id, declared, kind, name, key)
where
    setting.tenant_id = gone.tenant_id
    and setting.declared = gone.declared
    and setting.kind = gone.kind
    and setting.name = gone.name
    and setting.key = gone.key
