-- Rate limits: what was drawn from each of their keys.

-- One row per key that is not full, written in the commit that the assignments wait for
-- whose tasks drew from it, and gone when the key is full again.
create table adze.rate_state (
    tenant_id   bigint not null,
    debt        bigint not null,              -- units drawn, times the milliseconds of the period, less what time has paid by since_at
    since_at    bigint not null,              -- ms since the Unix epoch; of a fixed window: when it began
    period_ms   bigint not null,
    shard       integer not null,
    units_max   integer not null,             -- the smallest limit that tasks gave since the key was full; 0 = none
    name        text not null,                -- of the rate limit
    key         text not null,
    primary key (tenant_id, name, key)
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
-- What a new owner goes on with.
create index rate_state_shard_idx on adze.rate_state (shard);
