-- What a worker said of itself is kept: it may be known before its first session, and a
-- new owner may hear of it before it says all of that again.
alter table adze.worker
    add column labels jsonb not null default '{}',
    add column slot_types jsonb not null default '{}',
    add column runtime jsonb not null default '{}';
