-- Idempotency keys: of the runs of a tenant with one key, one is started.

-- One row per key that a run holds, in the commit of that run, and gone when the key is
-- free; and one per run that another one has replaced, until it is cancelled. The owner of
-- the shard decides who holds a key: no constraint has to.
create table adze.idempotency (
    run_id      bigint primary key,
    tenant_id   bigint not null,
    replaced_by bigint,                       -- the run that took its place; null = it holds the key
    until_at    bigint,                       -- when the key is free, ms since the Unix epoch; null = not before the run ends
    first_at    bigint,                       -- of a debounced run: when the first of its burst came
    shard       integer not null,
    hold        text not null check (hold in ('ttl', 'run', 'quiet')),
    key         text not null                 -- '' = replaced
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
-- Who holds a key that the owner does not have in memory.
create index idempotency_key_idx on adze.idempotency (tenant_id, key) where replaced_by is null;
-- What is free by now; and what a new owner keeps in memory.
create index idempotency_until_idx on adze.idempotency (shard, until_at) where replaced_by is null;
create index idempotency_replaced_idx on adze.idempotency (shard) where replaced_by is not null;
