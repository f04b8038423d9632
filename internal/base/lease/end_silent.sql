-- Ends the session that holds a shard's liveness lock, if its owner has not renewed
-- for too long: it is frozen, and Postgres cannot tell. Also ends it if it is the
-- caller's own earlier session, lost but still served.
-- Writes: nothing. Locks: nothing.
-- Bound: one session.
select pg_terminate_backend(held.pid)
from pg_locks as held
where
    held.locktype = 'advisory'
    and held.database = (select oid from pg_database where datname = current_database())
    and held.classid = $1::bigint::text::oid
    and held.objid = $2::bigint::text::oid
    and held.objsubid = 2
    and held.granted
    and held.pid <> pg_backend_pid()
    and (
        held.pid = $4
        or exists (
            select
            from adze.shard_lease as l
            where
                l.shard = $2
                and l.renewed_at < clock_timestamp() - make_interval(secs => $3)
        )
    )
