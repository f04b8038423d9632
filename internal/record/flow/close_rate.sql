-- Deletes the rows of keys of rate limits that are full again; those without a row are
-- passed over.
-- Writes: adze.rate_state. Locks: the rows, in the order of the arrays (tenant, name, key).
-- Bound: the journal's batch (journal.batchRowsMax, or one larger entry).
delete from adze.rate_state
using unnest(
    $1::bigint[],
    $2::text[],
    $3::text[]
) as gone (tenant_id, name, key)
where
    rate_state.tenant_id = gone.tenant_id
    and rate_state.name = gone.name
    and rate_state.key = gone.key
