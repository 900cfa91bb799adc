create table attempt (
  id uuid not null,
  key uuid not null,
  kind smallint not null,
  n integer not null,
  at timestamp with time zone not null,
  ms integer not null,
  target_id integer,
  status integer,
  error text,
  constraint attempt_pkey PRIMARY KEY (id, key, kind, n)
) partition by range (id);

create table audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  subject text not null,
  namespace text,
  action text not null,
  object text not null,
  details jsonb not null default '{}'::jsonb,
  constraint audit_pkey PRIMARY KEY (id)
);

create table bootstrap (
  singleton boolean not null default true,
  subject text not null,
  at timestamp with time zone not null default now(),
  constraint bootstrap_pkey PRIMARY KEY (singleton),
  constraint bootstrap_singleton_check CHECK (singleton)
);

create table callback (
  key uuid not null,
  id uuid not null,
  url_hash uuid not null,
  url text not null,
  headers bytea,
  state smallint not null,
  due_at timestamp with time zone not null,
  attempt integer not null default 0,
  fence integer not null default 0,
  caller_ns integer not null,
  created_at timestamp with time zone not null default now(),
  last_status integer,
  last_error text,
  constraint callback_pkey PRIMARY KEY (key, id, url_hash),
  constraint callback_state_check CHECK (state >= 0 AND state <= 3)
);

create table endpoint (
  id integer not null generated always as identity,
  owner_id integer not null,
  description text not null default ''::text,
  policy jsonb not null,
  version integer not null default 1,
  closing boolean not null default false,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint endpoint_pkey PRIMARY KEY (id),
  constraint endpoint_description_check CHECK (octet_length(description) <= 20000)
);

create table endpoint_name (
  name text not null,
  endpoint_id integer not null,
  released_at timestamp with time zone,
  constraint endpoint_name_pkey PRIMARY KEY (name),
  constraint endpoint_name_name_check CHECK (name ~ '^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$'::text AND length(name) >= 2 AND length(name) <= 200)
);

create table "grant" (
  endpoint_id integer not null,
  id text not null,
  caller text not null,
  service text not null,
  operation text not null,
  created_at timestamp with time zone not null default now(),
  constraint grant_pkey PRIMARY KEY (endpoint_id, id),
  constraint grant_id_check CHECK (length(id) >= 1 AND length(id) <= 200)
);

create table head (
  key uuid not null,
  id uuid not null,
  caller_ns integer not null,
  owner_ns integer not null,
  endpoint_id integer not null,
  input_hash uuid not null,
  state smallint not null,
  fence integer not null default 0,
  attempt integer not null default 0,
  owes smallint not null default 0,
  target_id integer,
  due_at timestamp with time zone not null,
  close_by timestamp with time zone not null,
  window_ms bigint not null,
  pass_through boolean not null default false,
  running boolean not null default false,
  handler_token text,
  cancel_requested_at timestamp with time zone,
  closed_at timestamp with time zone,
  worker text,
  reported_at timestamp with time zone,
  progress bytea,
  constraint head_pkey PRIMARY KEY (key),
  constraint head_owes_check CHECK (owes >= 0 AND owes <= 7),
  constraint head_state_check CHECK (state >= 0 AND state <= 8)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.02);

create table namespace (
  id integer not null generated always as identity,
  name text not null,
  description text not null default ''::text,
  created_at timestamp with time zone not null default now(),
  egress_version integer not null default 0,
  egress_rules jsonb not null default '[]'::jsonb,
  callback_secrets jsonb not null default '[]'::jsonb,
  constraint namespace_pkey PRIMARY KEY (id),
  constraint namespace_name_key UNIQUE (name),
  constraint namespace_name_check CHECK (name ~ '^[a-z][a-z0-9-]*[a-z0-9]$'::text AND length(name) >= 2 AND length(name) <= 63)
);

create table operation (
  id uuid not null,
  key uuid not null,
  caller_ns integer not null,
  owner_ns integer not null,
  endpoint_id integer not null,
  service text not null,
  operation text not null,
  request_id text,
  principal text not null,
  labels jsonb,
  headers bytea not null,
  callback_url text,
  callback_headers bytea,
  close_by timestamp with time zone not null,
  start_by timestamp with time zone,
  start_to_close_ms bigint,
  content_headers bytea not null,
  input bytea not null,
  redrive_of uuid,
  priority smallint,
  constraint operation_pkey PRIMARY KEY (id, key)
) partition by range (id);

create table outcome (
  id uuid not null,
  key uuid not null,
  caller_ns integer not null,
  state smallint not null,
  closed_at timestamp with time zone not null,
  handler_token text,
  content_headers bytea,
  result bytea,
  failure bytea,
  digest uuid not null,
  attempts bytea,
  constraint outcome_pkey PRIMARY KEY (id, key),
  constraint outcome_state_check CHECK (state >= 4 AND state <= 8)
) partition by range (id);

create table queue (
  id integer not null generated always as identity,
  namespace_id integer not null,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint queue_pkey PRIMARY KEY (id),
  constraint queue_namespace_id_name_key UNIQUE (namespace_id, name),
  constraint queue_name_check CHECK (name ~ '^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$'::text AND length(name) <= 200)
);

create table queue_worker (
  queue_id integer not null,
  worker text not null,
  seen_at timestamp with time zone not null,
  constraint queue_worker_pkey PRIMARY KEY (queue_id, worker)
);

create table registry_version (
  singleton boolean not null default true,
  version bigint not null,
  constraint registry_version_pkey PRIMARY KEY (singleton),
  constraint registry_version_singleton_check CHECK (singleton)
);

create table secret (
  name text not null,
  sealed text not null,
  created_at timestamp with time zone not null default now(),
  constraint secret_pkey PRIMARY KEY (name)
);

create table signing_key (
  kid text not null,
  public_jwk text not null,
  sealed_private_jwk text not null,
  created_at timestamp with time zone not null default now(),
  retired_at timestamp with time zone,
  constraint signing_key_pkey PRIMARY KEY (kid)
);

create table target (
  id integer not null generated always as identity,
  endpoint_id integer not null,
  kind text not null,
  url text,
  removed_at timestamp with time zone,
  queue_id integer,
  constraint target_pkey PRIMARY KEY (id),
  constraint target_kind_check CHECK (kind = 'http'::text AND url IS NOT NULL AND queue_id IS NULL OR kind = 'queue'::text AND url IS NULL AND queue_id IS NOT NULL)
);

create table task (
  queue_id integer not null,
  caller_ns integer not null,
  priority smallint not null,
  id uuid not null,
  key uuid not null,
  constraint task_pkey PRIMARY KEY (queue_id, caller_ns, priority, id),
  constraint task_priority_check CHECK (priority >= 1 AND priority <= 5)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_insert_scale_factor=0.02);

create table token (
  id uuid not null,
  namespace_id integer,
  role text not null,
  subject text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint token_pkey PRIMARY KEY (id),
  constraint token_role_check CHECK (role = ANY (ARRAY['admin'::text, 'owner'::text, 'caller'::text, 'handler'::text, 'viewer'::text]))
);

CREATE INDEX callback_caller ON public.callback USING btree (caller_ns, id);
CREATE INDEX callback_due ON public.callback USING btree (due_at) WHERE (state = ANY (ARRAY[0, 1]));
CREATE INDEX callback_id ON public.callback USING btree (id, url_hash);
CREATE INDEX endpoint_owner ON public.endpoint USING btree (owner_id);
CREATE INDEX head_due ON public.head USING btree (due_at);
CREATE INDEX head_running_caller ON public.head USING btree (caller_ns, id) WHERE running;
CREATE INDEX head_running_owner ON public.head USING btree (owner_ns, id) WHERE running;
CREATE INDEX operation_caller ON ONLY public.operation USING btree (caller_ns, id);
CREATE INDEX operation_endpoint ON ONLY public.operation USING btree (endpoint_id, id);
CREATE INDEX operation_owner ON ONLY public.operation USING btree (owner_ns, id);
CREATE INDEX outcome_unsuccessful ON ONLY public.outcome USING btree (caller_ns, closed_at, id) WHERE (state <> 4);
CREATE UNIQUE INDEX target_current ON public.target USING btree (endpoint_id) WHERE (removed_at IS NULL);
CREATE INDEX token_namespace ON public.token USING btree (namespace_id);

alter table endpoint add constraint endpoint_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES namespace(id);
alter table endpoint_name add constraint endpoint_name_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES endpoint(id) ON DELETE CASCADE;
alter table "grant" add constraint grant_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES endpoint(id) ON DELETE CASCADE;
alter table queue add constraint queue_namespace_id_fkey FOREIGN KEY (namespace_id) REFERENCES namespace(id) ON DELETE CASCADE;
alter table queue_worker add constraint queue_worker_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES queue(id) ON DELETE CASCADE;
alter table target add constraint target_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES endpoint(id) ON DELETE CASCADE;
alter table target add constraint target_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES queue(id);
alter table token add constraint token_namespace_id_fkey FOREIGN KEY (namespace_id) REFERENCES namespace(id) ON DELETE CASCADE;
