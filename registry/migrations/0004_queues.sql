-- breaking: yes
-- An older gateway's sweep would take the leases of workers for its own kind's. Queues belong to a namespace; endpoints
-- of that namespace point at them.

create table queue (
  id int generated always as identity primary key,
  namespace_id int not null references namespace (id) on delete cascade,
  name text not null check (name ~ '^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$' and length(name) <= 200),
  created_at timestamptz not null default now(),
  unique (namespace_id, name)
);

alter table target drop constraint target_kind_check;
alter table target alter column url drop not null;
alter table target add column queue_id int references queue (id);
alter table target add constraint target_kind_check
  check ((kind = 'http' and url is not null and queue_id is null) or (kind = 'queue' and url is null and queue_id is not null));

-- Tasks that wait for a worker, and only those: a claim deletes the row and writes the lease to head.due_at. Leased rows
-- left here made a claim five times as slow.
create table task (
  queue_id int not null,
  caller_ns int not null,
  -- 1 is taken before 5
  priority smallint not null check (priority between 1 and 5),
  id uuid not null,
  key uuid not null,
  primary key (queue_id, caller_ns, priority, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Who polls a queue, on whichever gateway. A picture for people: nothing is decided by it.
create table queue_worker (
  queue_id int not null references queue (id) on delete cascade,
  worker text not null,
  seen_at timestamptz not null,
  primary key (queue_id, worker)
);

-- The worker that holds it, or held it last: started without a handler token means leased to it until due_at.
alter table head add column worker text;
-- at most one write a second, whatever the workers report
alter table head add column reported_at timestamptz;
alter table head add column progress bytea;

-- null but for operations of queues
alter table operation add column priority smallint;
