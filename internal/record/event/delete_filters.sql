-- Deletes filters of a tenant, and tells which of the ids there were.
-- Writes: adze.event_filter. Locks: the rows.
-- Bound: one look-up by primary key per id.
delete from adze.event_filter
where id = any($2::bigint[]) and tenant_id = $1
returning id
