-- Finds which tokens were revoked, or are gone.
-- Writes: nothing. Locks: nothing.
-- Bound: a look-up by primary key for each of $1.
select asked.id
from unnest($1::uuid[]) as asked (id)
left join adze.token on token.id = asked.id
where
    token.id is null
    or token.revoked_at is not null
