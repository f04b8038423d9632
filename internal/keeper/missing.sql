-- Tells which of the tables do not exist.
-- Writes: nothing. Locks: nothing.
-- Bound: one catalogue look-up per name.
-- Not to_regclass: after the wait for another engine it may still answer from
-- what the session remembers.
select wanted.name
from unnest($1::text[]) as wanted (name)
where not exists (
    select
    from pg_tables t
    where t.schemaname = 'adze' and t.tablename = wanted.name
)
