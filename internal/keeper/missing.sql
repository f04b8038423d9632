-- Tells which of the tables do not exist.
-- Writes: nothing. Locks: nothing.
-- Bound: one catalogue look-up per name.
select wanted.name
from unnest($1::text[]) as wanted (name)
where to_regclass('adze.' || wanted.name) is null
