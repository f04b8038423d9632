-- Writes how things work, given as one array per column, over what is there.
-- Writes: adze.setting. Locks: the rows, in the order of the arrays.
-- Bound: a request's settings, or those that its workflows declare.
insert into adze.setting (
    tenant_id,
    shard,
    declared,
    kind,
    name,
    key,
    setting
)
select
    tenant_id,
    shard,
    declared,
    kind,
    name,
    key,
    setting
from unnest(
    $1::bigint[],
    $2::integer[],
    $3::boolean[],
    $4::text[],
    $5::text[],
    $6::text[],
    $7::bytea[]
) as new (tenant_id, shard, declared, kind, name, key, setting)
on conflict (tenant_id, kind, name, key, declared) do update
set setting = excluded.setting
