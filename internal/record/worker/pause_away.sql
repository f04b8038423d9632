-- Notes which workers of a tenant are given nothing new, or something again, and tells
-- which there are: of such as are not there, who hear of it when they come.
-- Writes: adze.worker. Locks: the rows, ids ascending.
-- Bound: the workers that one request names.
with named as (
    select id
    from adze.worker
    where
        id = any($2::bigint[])
        and tenant_id = $1
    order by id
    for update
)
update adze.worker
set paused = $3
from named
where worker.id = named.id
returning worker.id
