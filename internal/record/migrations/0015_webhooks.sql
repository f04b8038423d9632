-- Webhooks: addresses where others post what becomes an event.
--
-- A row is written when somebody makes or changes a webhook and read for each call of it.

create table adze.webhook (
    id             uuid primary key,
    tenant_id      bigint not null references adze.tenant,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    answers_event  boolean not null,          -- the caller is told what event it became
    name           text not null,
    source         text not null,             -- who posts: GENERIC, GITHUB, STRIPE, SLACK, LINEAR, SVIX
    key_expression text not null,             -- CEL over input and headers: the key of the event
    scope_expression text not null,           -- likewise its scope; '' = none
    auth_type      text not null,             -- BASIC, API_KEY, HMAC
    auth           bytea not null,            -- JSON: the secrets, never told to anyone
    static_payload bytea,                     -- JSON object that is laid over what comes
    unique (tenant_id, name)
);
