-- Reads a page of a tenant's workflows whose name has a text in it: the one of that name
-- first, as older SDKs take that, then the newest first, with how
-- many there are in all.
-- Writes: nothing. Locks: nothing.
-- Bound: the tenant's workflows, of which a page is returned; their versions are counted.
select
    w.id,
    w.name,
    v.id,
    v.definition,
    (
        select count(*)
        from adze.workflow_version as o
        where
            o.workflow_id = w.id
            and o.id <= v.id
    ) as place,
    count(*) over ()
from adze.workflow as w
inner join adze.workflow_version as v on v.id = w.current_id
where
    w.tenant_id = $1
    and position(lower($2) in lower(w.name)) > 0
order by w.name <> $2, w.id desc
offset $3
limit $4
