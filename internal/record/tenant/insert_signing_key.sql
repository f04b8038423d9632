-- Writes the signing key, unless there is one.
-- Writes: adze.signing_key. Locks: the row.
-- Bound: one row.
insert into adze.signing_key (secret)
values ($1)
on conflict do nothing
