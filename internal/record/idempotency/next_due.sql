-- Reads when the first key of a shard is free after a time; 0 = none.
-- Writes: nothing. Locks: nothing.
-- Bound: one row, by an index.
select coalesce(
    (
        select until_at
        from adze.idempotency
        where
            shard = $1
            and until_at > $2
            and replaced_by is null
        order by idempotency.until_at
        limit 1
    ),
    0
) as until_at
