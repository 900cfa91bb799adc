-- breaking: no
-- Small, normal tables with foreign keys. Each write bumps registry_version, which drives the gateways' snapshots.

create table registry_version (
  singleton boolean primary key default true check (singleton),
  version bigint not null
);
insert into registry_version (version) values (1);

create table namespace (
  id int generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z][a-z0-9-]*[a-z0-9]$' and length(name) between 2 and 63),
  description text not null default '',
  created_at timestamptz not null default now(),
  egress_version int not null default 0,
  egress_rules jsonb not null default '[]',
  -- [{sealed, createdAt}], newest first, at most two while a rotation runs
  callback_secrets jsonb not null default '[]'
);

create table endpoint (
  id int generated always as identity primary key,
  owner_id int not null references namespace (id),
  description text not null default '' check (octet_length(description) <= 20000),
  policy jsonb not null,
  version int not null default 1,
  closing boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- deleteNamespace asks what a namespace owns
create index endpoint_owner on endpoint (owner_id);

-- names (and, later, aliases) in one table, so that one primary key makes both unique
create table endpoint_name (
  name text primary key check (name ~ '^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$' and length(name) between 2 and 200),
  endpoint_id int not null references endpoint (id) on delete cascade,
  released_at timestamptz
);

create table target (
  id int generated always as identity primary key,
  endpoint_id int not null references endpoint (id) on delete cascade,
  kind text not null check (kind = 'http'),
  url text not null,
  removed_at timestamptz
);
-- the snapshot joins targets to their endpoint; one of them is current
create unique index target_current on target (endpoint_id) where removed_at is null;

create table "grant" (
  endpoint_id int not null references endpoint (id) on delete cascade,
  id text not null check (length(id) between 1 and 200),
  caller text not null,
  service text not null,
  operation text not null,
  created_at timestamptz not null default now(),
  primary key (endpoint_id, id)
);

create table token (
  id uuid primary key,
  namespace_id int references namespace (id) on delete cascade,
  role text not null check (role in ('admin', 'owner', 'caller', 'handler', 'viewer')),
  subject text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
-- listTokens of one namespace
create index token_namespace on token (namespace_id);

create table signing_key (
  kid text primary key,
  public_jwk text not null,
  sealed_private_jwk text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

-- sealed secrets of the mesh itself, by name
create table secret (
  name text primary key,
  sealed text not null,
  created_at timestamptz not null default now()
);

create table bootstrap (
  singleton boolean primary key default true check (singleton),
  subject text not null,
  at timestamptz not null default now()
);

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  subject text not null,
  namespace text,
  action text not null,
  object text not null,
  details jsonb not null default '{}'
);
