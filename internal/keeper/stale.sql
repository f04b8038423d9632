-- Tells which of the tables were not analyzed since a time.
-- Writes: nothing. Locks: nothing.
-- Bound: one look-up in the statistics per name.
select wanted.name
from unnest($1::text[]) as wanted (name)
where coalesce(
    pg_stat_get_last_analyze_time(to_regclass('adze.' || wanted.name)) < $2,
    true
)
