-- Reads the signing key.
-- Writes: nothing. Locks: nothing.
-- Bound: one row.
select secret
from adze.signing_key
