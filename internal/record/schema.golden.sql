-- The schema after all migrations, read from the catalogs by schema_test.go.
-- It is for reading and for diffs; nothing runs it.

create table adze.attempt (
    task_id bigint not null,
    tenant_id bigint not null,
    worker_id bigint,
    assigned_at bigint not null,
    started_at bigint not null,
    finished_at bigint not null,
    retry_at bigint not null,
    number integer not null,
    outcome text not null,
    error text not null,
    constraint attempt_pkey PRIMARY KEY (task_id, number)
) partition by range (task_id);

create table adze.child (
    parent_id bigint not null,
    tenant_id bigint not null,
    run_id bigint not null,
    cancel boolean not null,
    key text not null,
    constraint child_pkey PRIMARY KEY (parent_id, key)
) partition by range (parent_id);

create table adze.closing (
    task_id bigint not null,
    tenant_id bigint not null,
    shard integer not null,
    whole boolean not null,
    reason text not null,
    constraint closing_pkey PRIMARY KEY (task_id)
);

create table adze.condition_met (
    task_id bigint not null,
    tenant_id bigint not null,
    event_id bigint,
    met_order bigint not null,
    at bigint not null,
    index integer not null,
    condition integer not null,
    data bytea,
    constraint condition_met_pkey PRIMARY KEY (task_id, index, condition)
) partition by range (task_id);

create table adze.durable_entry (
    task_id bigint not null,
    tenant_id bigint not null,
    at bigint not null,
    index integer not null,
    kind text not null,
    name text not null,
    error text,
    data bytea,
    conditions bytea,
    constraint durable_entry_pkey PRIMARY KEY (task_id, index)
) partition by range (task_id);

create table adze.durable_value (
    task_id bigint not null,
    tenant_id bigint not null,
    at bigint not null,
    name text not null,
    data bytea not null,
    constraint durable_value_pkey PRIMARY KEY (task_id, name)
) partition by range (task_id);

create table adze.event (
    id bigint not null,
    tenant_id bigint not null,
    target_id bigint,
    replay_of bigint,
    priority integer not null,
    key text not null,
    scope text not null,
    payload bytea not null,
    metadata bytea,
    warning text,
    constraint event_pkey PRIMARY KEY (id)
) partition by range (id);
CREATE INDEX event_key_idx ON ONLY adze.event USING btree (tenant_id, key, id) WHERE (target_id IS NULL);
CREATE INDEX event_target_idx ON ONLY adze.event USING btree (target_id, id) WHERE (target_id IS NOT NULL);
CREATE INDEX event_tenant_idx ON ONLY adze.event USING btree (tenant_id, id) WHERE (target_id IS NULL);

create table adze.event_filter (
    id bigint not null,
    tenant_id bigint not null,
    created_at timestamp with time zone not null,
    workflow text not null,
    scope text not null,
    expression text not null,
    payload bytea,
    declared boolean not null default false,
    updated_at timestamp with time zone not null,
    constraint event_filter_pkey PRIMARY KEY (id)
);
CREATE INDEX event_filter_tenant_idx ON adze.event_filter USING btree (tenant_id, id);

create table adze.event_run (
    event_id bigint not null,
    run_id bigint not null,
    filter_id bigint,
    constraint event_run_pkey PRIMARY KEY (event_id, run_id)
) partition by range (event_id);

create table adze.idempotency (
    run_id bigint not null,
    tenant_id bigint not null,
    replaced_by bigint,
    until_at bigint,
    first_at bigint,
    shard integer not null,
    hold text not null,
    key text not null,
    constraint idempotency_pkey PRIMARY KEY (run_id),
    constraint idempotency_hold_check CHECK ((hold = ANY (ARRAY['ttl'::text, 'run'::text, 'quiet'::text])))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX idempotency_key_idx ON adze.idempotency USING btree (tenant_id, key) WHERE (replaced_by IS NULL);
CREATE INDEX idempotency_replaced_idx ON adze.idempotency USING btree (shard) WHERE (replaced_by IS NOT NULL);
CREATE INDEX idempotency_until_idx ON adze.idempotency USING btree (shard, until_at) WHERE (replaced_by IS NULL);

create table adze.log_line (
    task_id bigint not null,
    tenant_id bigint not null,
    token bigint not null,
    logged_at bigint not null,
    attempt integer not null,
    seq integer not null,
    level integer not null,
    message text not null,
    fields bytea,
    constraint log_line_pkey PRIMARY KEY (task_id, token, seq)
) partition by range (task_id);

create table adze.low_water (
    shard integer not null,
    id bigint not null,
    constraint low_water_pkey PRIMARY KEY (shard)
) with (fillfactor=50);

create table adze.migration (
    name text not null,
    applied_at timestamp with time zone not null default now(),
    constraint migration_pkey PRIMARY KEY (name)
);

create table adze.moment (
    task_id bigint not null,
    tenant_id bigint not null,
    token bigint not null,
    happened_at bigint not null,
    deadline bigint not null,
    worker_id bigint not null,
    by_ms bigint,
    assigned_at bigint,
    started_at bigint,
    attempt integer not null,
    kind text not null,
    constraint moment_pkey PRIMARY KEY (task_id, token, kind, deadline),
    constraint moment_kind_check CHECK ((kind = ANY (ARRAY['postponed'::text, 'released'::text, 'suspended'::text])))
) partition by range (task_id);

create table adze.open_run (
    id bigint not null,
    tenant_id bigint not null,
    version_id bigint not null,
    run_at bigint not null,
    shard integer not null,
    priority integer not null,
    key text not null,
    cancel text not null,
    passed integer not null default 0,
    constraint open_run_pkey PRIMARY KEY (id)
) with (fillfactor=90, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX open_run_holding_idx ON adze.open_run USING btree (shard, id) WHERE (passed > 0);
CREATE INDEX open_run_shard_idx ON adze.open_run USING btree (shard, id);

create table adze.open_task (
    id bigint not null,
    tenant_id bigint not null,
    version_id bigint not null,
    worker_id bigint not null,
    token bigint not null,
    due_at bigint not null,
    assigned_at bigint not null,
    shard integer not null,
    priority integer not null,
    attempt integer not null,
    failures integer not null,
    state text not null,
    queue text not null,
    key text not null,
    cancel text not null,
    node integer,
    entries integer not null default 0,
    waits integer not null default 0,
    binds boolean not null default false,
    rank bigint not null default 0,
    passed integer not null default 0,
    flow bytea,
    batch bigint not null default 0,
    suspensions integer not null default 0,
    constraint open_task_pkey PRIMARY KEY (id),
    constraint open_task_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'delayed'::text, 'running'::text, 'waiting'::text])))
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_analyze_scale_factor=0, autovacuum_analyze_threshold=20000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX open_task_due_idx ON adze.open_task USING btree (shard, due_at, id) WHERE ((state <> 'running'::text) AND (due_at > 0));
CREATE INDEX open_task_holding_idx ON adze.open_task USING btree (shard, id) WHERE ((passed > 0) AND (state <> 'running'::text));
CREATE INDEX open_task_lane_idx ON adze.open_task USING btree (shard, tenant_id, queue, key, rank, id) WHERE (state = 'ready'::text);
CREATE INDEX open_task_limit_idx ON adze.open_task USING btree (shard, tenant_id, queue, key, id) WHERE ((state = 'ready'::text) AND (queue ~~ '@limit %'::text));
CREATE INDEX open_task_running_idx ON adze.open_task USING btree (shard, id) WHERE (state = 'running'::text);
CREATE INDEX open_task_waits_idx ON adze.open_task USING btree (shard, state, id) WHERE (waits > 0);

create table adze.rate_state (
    tenant_id bigint not null,
    debt bigint not null,
    since_at bigint not null,
    period_ms bigint not null,
    shard integer not null,
    units_max integer not null,
    name text not null,
    key text not null,
    constraint rate_state_pkey PRIMARY KEY (tenant_id, name, key)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX rate_state_shard_idx ON adze.rate_state USING btree (shard);

create table adze.reply (
    event_id bigint not null,
    tenant_id bigint not null,
    at bigint not null,
    error text,
    data bytea,
    constraint reply_pkey PRIMARY KEY (event_id)
) partition by range (event_id);

create table adze.run (
    id bigint not null,
    tenant_id bigint not null,
    version_id bigint not null,
    run_at bigint not null,
    replay_of bigint,
    priority integer not null,
    key text not null,
    input bytea not null,
    metadata bytea,
    event_id bigint,
    given bytea,
    parent_id bigint,
    schedule_id bigint,
    scopes text[],
    flow bytea,
    constraint run_pkey PRIMARY KEY (id)
) partition by range (id);
CREATE INDEX run_replay_idx ON ONLY adze.run USING btree (replay_of, id) WHERE (replay_of IS NOT NULL);
CREATE INDEX run_schedule_idx ON ONLY adze.run USING btree (tenant_id, schedule_id) WHERE (schedule_id IS NOT NULL);
CREATE INDEX run_tenant_idx ON ONLY adze.run USING btree (tenant_id, id);

create table adze.run_result (
    id bigint not null,
    tenant_id bigint not null,
    finished_at bigint not null,
    status text not null,
    error text,
    constraint run_result_pkey PRIMARY KEY (id)
) partition by range (id);

create table adze.schedule (
    id bigint not null,
    tenant_id bigint not null,
    at bigint not null,
    jitter_ms bigint not null,
    shard integer not null,
    priority integer not null,
    catch_up_max integer not null,
    paused boolean not null,
    declared boolean not null,
    overlap text not null,
    catch_up text not null,
    workflow text not null,
    name text,
    expression text not null,
    zone text not null,
    input bytea not null,
    metadata bytea,
    constraint schedule_pkey PRIMARY KEY (id),
    constraint schedule_tenant_id_name_key UNIQUE (tenant_id, name)
);
CREATE INDEX schedule_declared_idx ON adze.schedule USING btree (tenant_id, workflow) WHERE declared;
CREATE INDEX schedule_tenant_idx ON adze.schedule USING btree (tenant_id, id);

create table adze.schedule_state (
    id bigint not null,
    tenant_id bigint not null,
    due_at bigint not null,
    last_at bigint not null,
    last_run_id bigint,
    running_id bigint,
    queued_at bigint not null,
    skipped bigint not null,
    shard integer not null,
    revision integer not null,
    constraint schedule_state_pkey PRIMARY KEY (id)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX schedule_state_shard_idx ON adze.schedule_state USING btree (shard, id);

create table adze.setting (
    tenant_id bigint not null,
    shard integer not null,
    declared boolean not null,
    kind text not null,
    name text not null,
    key text not null,
    setting bytea not null,
    constraint setting_pkey PRIMARY KEY (tenant_id, kind, name, key, declared)
);
CREATE INDEX setting_shard_idx ON adze.setting USING btree (shard);

create table adze.shard_lease (
    shard integer not null,
    epoch bigint not null,
    owner bigint not null,
    renewed_at timestamp with time zone not null,
    address text not null default ''::text,
    constraint shard_lease_pkey PRIMARY KEY (shard)
);

create table adze.signing_key (
    singleton boolean not null default true,
    secret bytea not null,
    constraint signing_key_pkey PRIMARY KEY (singleton),
    constraint signing_key_singleton_check CHECK (singleton)
);

create table adze.span (
    run_id bigint not null,
    tenant_id bigint not null,
    started_at bigint not null,
    duration_ns bigint not null,
    retry_count integer not null,
    kind integer not null,
    status integer not null,
    trace_id bytea not null,
    span_id bytea not null,
    parent_id bytea,
    name text not null,
    service text not null,
    scope_name text not null,
    scope_version text not null,
    message text not null,
    resource bytea not null,
    attributes bytea not null,
    constraint span_pkey PRIMARY KEY (run_id, span_id)
) partition by range (run_id);

create table adze.stream_chunk (
    task_id bigint not null,
    tenant_id bigint not null,
    token bigint not null,
    attempt integer not null,
    seq integer not null,
    data bytea not null,
    constraint stream_chunk_pkey PRIMARY KEY (task_id, token, seq)
) partition by range (task_id);

create table adze.task (
    id bigint not null,
    tenant_id bigint not null,
    version_id bigint not null,
    run_at bigint not null,
    replay_of bigint,
    priority integer not null,
    key text not null,
    input bytea not null,
    metadata bytea,
    node integer,
    event_id bigint,
    given bytea,
    parent_id bigint,
    schedule_id bigint,
    flow bytea,
    constraint task_pkey PRIMARY KEY (id)
) partition by range (id);
CREATE INDEX task_replay_idx ON ONLY adze.task USING btree (replay_of, id) WHERE (replay_of IS NOT NULL);
CREATE INDEX task_schedule_idx ON ONLY adze.task USING btree (tenant_id, schedule_id) WHERE (schedule_id IS NOT NULL);
CREATE INDEX task_tenant_idx ON ONLY adze.task USING btree (tenant_id, id) WHERE (node IS NULL);

create table adze.task_result (
    id bigint not null,
    tenant_id bigint not null,
    worker_id bigint,
    assigned_at bigint not null,
    started_at bigint not null,
    finished_at bigint not null,
    attempt integer not null,
    status text not null,
    error text,
    output bytea,
    verdicts integer[],
    fingerprint bigint,
    suspensions integer,
    constraint task_result_pkey PRIMARY KEY (id)
) partition by range (id);
CREATE INDEX task_result_failed_idx ON ONLY adze.task_result USING btree (tenant_id, id, fingerprint) WHERE (fingerprint IS NOT NULL);

create table adze.tenant (
    id bigint not null,
    uuid uuid not null,
    shard integer not null,
    name text not null,
    created_at timestamp with time zone not null,
    constraint tenant_pkey PRIMARY KEY (id),
    constraint tenant_name_key UNIQUE (name),
    constraint tenant_uuid_key UNIQUE (uuid)
);

create table adze.token (
    id uuid not null,
    tenant_id bigint not null,
    name text not null,
    created_at timestamp with time zone not null,
    expires_at timestamp with time zone not null,
    revoked_at timestamp with time zone,
    constraint token_pkey PRIMARY KEY (id),
    constraint token_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES adze.tenant(id)
);

create table adze.wait (
    task_id bigint not null,
    tenant_id bigint not null,
    run_id bigint,
    shard integer not null,
    index integer not null,
    watched boolean not null,
    conditions bytea not null,
    constraint wait_pkey PRIMARY KEY (task_id, index)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX wait_watched_idx ON adze.wait USING btree (shard, task_id) WHERE watched;

create table adze.webhook (
    id uuid not null,
    tenant_id bigint not null,
    created_at timestamp with time zone not null,
    updated_at timestamp with time zone not null,
    answers_event boolean not null,
    name text not null,
    source text not null,
    key_expression text not null,
    scope_expression text not null,
    auth_type text not null,
    auth bytea not null,
    static_payload bytea,
    constraint webhook_pkey PRIMARY KEY (id),
    constraint webhook_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES adze.tenant(id),
    constraint webhook_tenant_id_name_key UNIQUE (tenant_id, name)
);

create table adze.worker (
    id bigint not null,
    tenant_id bigint not null,
    joined_at timestamp with time zone not null,
    slots integer not null,
    name text not null,
    sdk text not null,
    actions text[] not null,
    left_at timestamp with time zone,
    paused boolean not null default false,
    labels jsonb not null default '{}'::jsonb,
    slot_types jsonb not null default '{}'::jsonb,
    runtime jsonb not null default '{}'::jsonb,
    constraint worker_pkey PRIMARY KEY (id)
);
CREATE INDEX worker_present_idx ON adze.worker USING btree (id) WHERE (left_at IS NULL);
CREATE INDEX worker_tenant_idx ON adze.worker USING btree (tenant_id, id);

create table adze.workflow (
    id bigint not null,
    tenant_id bigint not null,
    current_id bigint not null,
    name text not null,
    constraint workflow_pkey PRIMARY KEY (id),
    constraint workflow_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES adze.tenant(id),
    constraint workflow_tenant_id_name_key UNIQUE (tenant_id, name)
);

create table adze.workflow_version (
    id bigint not null,
    workflow_id bigint not null,
    tenant_id bigint not null,
    created_at timestamp with time zone not null,
    digest bytea not null,
    definition bytea not null,
    constraint workflow_version_pkey PRIMARY KEY (id),
    constraint workflow_version_workflow_id_digest_key UNIQUE (workflow_id, digest),
    constraint workflow_version_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES adze.workflow(id)
);

CREATE OR REPLACE FUNCTION adze.fence(fenced_shard integer, expected_epoch bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
    perform pg_advisory_xact_lock_shared(1633974885, fenced_shard);
    if not exists (
        select from adze.shard_lease
        where shard = fenced_shard and epoch = expected_epoch
    ) then
        raise exception 'shard % is no longer owned with epoch %', fenced_shard, expected_epoch
            using errcode = 'ADZ01', detail = fenced_shard::text;
    end if;
end
$function$
;
