-- breaking: no
-- storage.md: `head` is where the state machine lives and the only uniqueness of the data plane; due_at says when
-- somebody must look again, and is never null. No foreign keys here.

create table head (
  key uuid primary key,
  id uuid not null,
  caller_ns int not null,
  owner_ns int not null,
  endpoint_id int not null,
  input_hash uuid not null,
  state smallint not null check (state between 0 and 8),
  fence int not null default 0,
  attempt int not null default 0,
  -- bits: 1 callback, 2 cancel to the handler, 4 further callbacks
  owes smallint not null default 0 check (owes between 0 and 7),
  target_id int,
  due_at timestamptz not null,
  close_by timestamptz not null,
  -- the dedupe window in ms; what was born as a pass-through is remembered until close_by at least
  window_ms bigint not null,
  pass_through boolean not null default false,
  running boolean not null default false,
  handler_token text,
  cancel_requested_at timestamptz,
  closed_at timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
-- the sweep
create index head_due on head (due_at);
-- "running now" by caller and by owner. The predicate must not name state: every settle would stop being HOT
create index head_running_caller on head (caller_ns, id) where running;
create index head_running_owner on head (owner_ns, id) where running;

create table operation (
  id uuid not null,
  key uuid not null,
  caller_ns int not null,
  owner_ns int not null,
  endpoint_id int not null,
  service text not null,
  operation text not null,
  request_id text,
  principal text not null,
  labels jsonb,
  headers bytea not null,
  callback_url text,
  -- sealed
  callback_headers bytea,
  close_by timestamptz not null,
  start_by timestamptz,
  start_to_close_ms bigint,
  content_headers bytea not null,
  input bytea not null,
  redrive_of uuid,
  primary key (id, key)
) partition by range (id);
-- list of what a namespace made
create index operation_caller on operation (caller_ns, id);
-- list of what an endpoint served
create index operation_endpoint on operation (endpoint_id, id);

create table outcome (
  id uuid not null,
  key uuid not null,
  caller_ns int not null,
  state smallint not null check (state between 4 and 8),
  closed_at timestamptz not null,
  handler_token text,
  content_headers bytea,
  result bytea,
  failure bytea,
  digest uuid not null,
  attempts bytea,
  primary key (id, key)
) partition by range (id);
-- "failed since": rare rows only (4 = succeeded)
create index outcome_unsuccessful on outcome (caller_ns, closed_at, id) where state <> 4;

create table attempt (
  id uuid not null,
  key uuid not null,
  kind smallint not null,
  n int not null,
  at timestamptz not null,
  ms int not null,
  target_id int,
  status int,
  error text,
  primary key (id, key, kind, n)
) partition by range (id);

-- further callbacks (attach), failing, parked and redelivered ones
create table callback (
  key uuid not null,
  id uuid not null,
  url_hash uuid not null,
  url text not null,
  -- sealed
  headers bytea,
  -- 0 waits for the end, 1 due, 2 delivered, 3 parked
  state smallint not null check (state between 0 and 3),
  due_at timestamptz not null,
  attempt int not null default 0,
  fence int not null default 0,
  caller_ns int not null,
  created_at timestamptz not null default now(),
  last_status int,
  last_error text,
  primary key (key, id, url_hash)
);
-- the sweep of callbacks
create index callback_due on callback (due_at) where state in (0, 1);
-- the list of a namespace's callbacks
create index callback_caller on callback (caller_ns, id);
