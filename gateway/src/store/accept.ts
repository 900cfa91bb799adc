import type { ReachCrashPoint } from "../crash-points.ts";
import { states } from "../operations/lifecycle.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { headColumns, headOf, leaseOf, milliseconds, timestamp, type HeadRow } from "./head-row.ts";
import { arrays, unnest, unnestWithout, type ArrayColumn } from "./row-arrays.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { owes, StoreOverloaded, type Accepted, type NewOperation } from "./store.ts";
import type { Metrics } from "../metrics.ts";

interface Item {
  readonly operation: NewOperation;
  /** Monotonic ms of the first sending: the lease of a batch that was repeated counts from there. */
  sentAt: number | undefined;
}

/** The row was purged between the two statements: then it is new after all. */
const maxRounds = 5;
/** Beside the body: headers, names, the row itself. */
const rowBytes = 512;

const columns: readonly ArrayColumn<NewOperation>[] = [
  { name: "key", type: "uuid", value: (o) => o.key },
  { name: "id", type: "uuid", value: (o) => o.id },
  { name: "caller_ns", type: "int", value: (o) => o.callerNs },
  { name: "owner_ns", type: "int", value: (o) => o.ownerNs },
  { name: "endpoint_id", type: "int", value: (o) => o.endpointId },
  { name: "target_id", type: "int", value: (o) => o.targetId },
  { name: "input_hash", type: "uuid", value: (o) => o.inputHash },
  { name: "service", type: "text", value: (o) => o.service },
  { name: "operation", type: "text", value: (o) => o.operation },
  { name: "request_id", type: "text", value: (o) => o.requestId },
  { name: "principal", type: "text", value: (o) => o.principal },
  { name: "headers", type: "bytea", value: (o) => o.headers },
  { name: "callback_url", type: "text", value: (o) => o.callbackUrl },
  { name: "callback_headers", type: "bytea", value: (o) => o.callbackHeaders },
  { name: "close_by", type: "float8", value: (o) => o.closeBy },
  { name: "window_ms", type: "bigint", value: (o) => o.dedupeWindowMs },
  { name: "content_headers", type: "bytea", value: (o) => o.contentHeaders },
  { name: "input", type: "bytea", value: (o) => o.input },
  { name: "state", type: "smallint", value: (o) => states[stateOf(o)] },
  // The bit says that a callback will be owed at the end; an inline waiter that takes the outcome clears it.
  { name: "owes", type: "smallint", value: (o) => (o.callbackUrl === null ? 0 : owes.callback) },
  {
    name: "handler_token",
    type: "text",
    value: (o) => (o.initial.kind === "started" ? o.initial.handlerToken : tokenOf(o)),
  },
];

/** Null in nearly every operation. */
const rareColumns: readonly ArrayColumn<NewOperation>[] = [
  {
    name: "labels",
    type: "text",
    value: (o) => (o.labels === null ? null : JSON.stringify(o.labels)),
  },
  { name: "start_by", type: "float8", value: (o) => o.startBy },
  { name: "start_to_close_ms", type: "bigint", value: (o) => o.startToCloseMs },
  { name: "redrive_of", type: "uuid", value: (o) => o.redriveOf },
  { name: "result_headers", type: "bytea", value: (o) => outcomeOf(o)?.headers ?? null },
  { name: "result", type: "bytea", value: (o) => outcomeOf(o)?.result ?? null },
  { name: "failure", type: "bytea", value: (o) => outcomeOf(o)?.failure ?? null },
  { name: "digest", type: "uuid", value: (o) => outcomeOf(o)?.digest ?? null },
  { name: "attempts", type: "bytea", value: (o) => outcomeOf(o)?.attempts ?? null },
];

// By id, not by key: by key alone a key twice in a batch would write two operations. `is true` keeps it a hash lookup,
// for as a join it would be a nested loop here.
const inserted = "(r.id in (select id from h)) is true";

/** Nothing to insert in nearly every batch; even so its partitions are opened, 5 to 10 µs for each of 25 rows. */
const outcomes = `,
    e as (
      insert into outcome (id, key, caller_ns, state, closed_at, handler_token, content_headers, result, failure,
        digest, attempts)
      select r.id, r.key, r.caller_ns, r.state, now(), r.handler_token, r.result_headers, r.result, r.failure,
        r.digest, r.attempts
      from r where r.digest is not null and ${inserted}
    )`;

/** Of operations that workers serve: they have a statement of their own, so that the others pay nothing for it. */
const queueColumns: readonly ArrayColumn<NewOperation>[] = [
  { name: "queue_id", type: "int", value: (o) => queuedAt(o)?.queueId ?? null },
  { name: "priority", type: "smallint", value: (o) => o.priority },
  {
    name: "worker",
    type: "text",
    value: ({ initial }) => (initial.kind === "leased" ? initial.worker : null),
  },
  {
    name: "worker_lease_ms",
    type: "float8",
    value: ({ initial }) => (initial.kind === "leased" ? initial.leaseMs : null),
  },
];

const insert = insertFrom("accept", unnestWithout(columns, rareColumns, 2), "");
const insertAll = insertFrom("accept-all", unnest([...columns, ...rareColumns], 2), outcomes);
const insertQueued = insertQueuedFrom(unnest([...columns, ...rareColumns, ...queueColumns], 1));

// A task waits until its operation must have started, or ended; handed to a waiting worker it is leased from the start.
function insertQueuedFrom(rows: string): Statement {
  const closeBy = timestamp("r.close_by");
  const leased = "r.worker is not null";
  const leasedCloseBy = `least(${closeBy}, coalesce(now() + ${milliseconds("r.start_to_close_ms")}, 'infinity'))`;
  return {
    name: "accept-queued",
    text: `
    with r as materialized (select * from ${rows}),
    h as (
      insert into head (key, id, caller_ns, owner_ns, endpoint_id, input_hash, state, fence, attempt, owes, target_id,
        due_at, close_by, window_ms, running, worker)
      select r.key, r.id, r.caller_ns, r.owner_ns, r.endpoint_id, r.input_hash, r.state, (${leased})::int,
        (${leased})::int, r.owes, r.target_id,
        case when ${leased} then least(${leasedCloseBy}, now() + ${milliseconds("r.worker_lease_ms")})
          else least(${closeBy}, ${timestamp("r.start_by")}) end,
        case when ${leased} then ${leasedCloseBy} else ${closeBy} end, r.window_ms, ${leased}, r.worker
      from r order by r.key
      on conflict (key) do nothing
      returning key, id
    ),
    o as (
      insert into operation (id, key, caller_ns, owner_ns, endpoint_id, service, operation, request_id, principal,
        labels, headers, callback_url, callback_headers, close_by, start_by, start_to_close_ms, content_headers, input,
        redrive_of, priority)
      select r.id, r.key, r.caller_ns, r.owner_ns, r.endpoint_id, r.service, r.operation, r.request_id, r.principal,
        r.labels::jsonb, r.headers, r.callback_url, r.callback_headers, ${closeBy},
        to_timestamp(r.start_by / 1000.0), r.start_to_close_ms, r.content_headers, r.input, r.redrive_of, r.priority
      from r where ${inserted}
    ),
    t as (
      insert into task (queue_id, caller_ns, priority, id, key)
      select r.queue_id, r.caller_ns, r.priority, r.id, r.key from r where not ${leased} and ${inserted}
    )
    select id from h`,
  };
}

function insertFrom(name: string, rows: string, more: string): Statement {
  return {
    name,
    text: `
    with r as materialized (select * from ${rows}),
    h as (
      insert into head (key, id, caller_ns, owner_ns, endpoint_id, input_hash, state, owes, target_id, due_at,
        close_by, window_ms, pass_through, running, handler_token, closed_at)
      select r.key, r.id, r.caller_ns, r.owner_ns, r.endpoint_id, r.input_hash, r.state, r.owes, r.target_id,
        case when r.digest is not null
          then greatest(now() + ${milliseconds("r.window_ms")}, to_timestamp(r.close_by / 1000.0))
          when r.state = ${states.started} then ${timestamp("r.close_by")}
          else now() + ${milliseconds("$1::float8")} end,
        ${timestamp("r.close_by")}, r.window_ms, r.state <> ${states.scheduled}, r.state = ${states.started},
        r.handler_token, case when r.digest is not null then now() end
      from r order by r.key
      on conflict (key) do nothing
      returning key, id
    ),
    o as (
      insert into operation (id, key, caller_ns, owner_ns, endpoint_id, service, operation, request_id, principal,
        labels, headers, callback_url, callback_headers, close_by, start_by, start_to_close_ms, content_headers, input,
        redrive_of)
      select r.id, r.key, r.caller_ns, r.owner_ns, r.endpoint_id, r.service, r.operation, r.request_id, r.principal,
        r.labels::jsonb, r.headers, r.callback_url, r.callback_headers, ${timestamp("r.close_by")},
        to_timestamp(r.start_by / 1000.0), r.start_to_close_ms, r.content_headers, r.input, r.redrive_of
      from r where ${inserted}
    )${more}
    select id from h`,
  };
}

const readConflicts = {
  name: "accept-conflicts",
  text: `select ${headColumns("head")} from head where key = any($1::uuid[])`,
};

export function createAccept(
  connection: StoreConnection,
  metrics: Metrics,
  maxBytesInFlight: number,
  crash: ReachCrashPoint,
): Pick<GroupCommit<NewOperation, Accepted>, "submit" | "flush"> {
  const { clock, leaseMs } = connection;
  let bytesInFlight = 0;
  const common = {
    clock,
    metrics,
    keyOf: ({ operation }: Item) => operation.key,
    bytesOf: ({ operation }: Item) => bytesOf(operation),
    onePerKey: false,
  };
  const batches = createGroupCommit<Item, Accepted>({
    ...common,
    statement: "accept",
    write: (items) => write(items, insertHeld),
  });
  const queued = createGroupCommit<Item, Accepted>({
    ...common,
    statement: "accept-queued",
    write: (items) => write(items, insertWaiting),
  });

  return {
    async submit(operation) {
      const bytes = bytesOf(operation);
      if (bytesInFlight + bytes > maxBytesInFlight)
        throw new StoreOverloaded("too many accepted bytes wait for their commit");
      bytesInFlight += bytes;
      metrics.acceptedBytesInFlight.set(bytesInFlight);
      try {
        return await (queuedAt(operation) === null ? batches : queued).submit({
          operation,
          sentAt: undefined,
        });
      } finally {
        bytesInFlight -= bytes;
        metrics.acceptedBytesInFlight.set(bytesInFlight);
      }
    },
    async flush() {
      await Promise.all([batches.flush(), queued.flush()]);
    },
  };

  type Insert = (operations: readonly NewOperation[]) => Promise<{ id: string }[]>;

  async function write(items: readonly Item[], insertRows: Insert): Promise<Accepted[]> {
    const results = new Map<Item, Accepted>();
    let left = items;
    for (let round = 0; left.length > 0 && round < maxRounds; round += 1) {
      for (const [item, accepted] of await writeOnce(left, insertRows)) results.set(item, accepted);
      left = left.filter((item) => !results.has(item));
    }
    return items.map((item) => {
      const accepted = results.get(item);
      if (accepted === undefined)
        throw new Error(`the head of key ${item.operation.key} comes and goes`);
      return accepted;
    });
  }

  function insertHeld(operations: readonly NewOperation[]): Promise<{ id: string }[]> {
    const usual = operations.every((row) => rareColumns.every(({ value }) => value(row) === null));
    return connection.runBatch<{ id: string }>(usual ? insert : insertAll, [
      leaseMs,
      ...arrays(usual ? columns : [...columns, ...rareColumns], operations),
    ]);
  }

  function insertWaiting(operations: readonly NewOperation[]): Promise<{ id: string }[]> {
    const all = [...columns, ...rareColumns, ...queueColumns];
    return connection.runBatch<{ id: string }>(insertQueued, arrays(all, operations));
  }

  async function writeOnce(
    items: readonly Item[],
    insertRows: Insert,
  ): Promise<Map<Item, Accepted>> {
    const operations = items.map(({ operation }) => operation);
    const now = clock.monotonic();
    for (const item of items) item.sentAt ??= now;
    crash("accept:before-commit");
    const rows = await insertRows(operations);
    crash("accept:after-commit");
    const inserted = new Set(rows.map(({ id }) => id));
    const results = new Map<Item, Accepted>();
    for (const item of items)
      if (inserted.has(item.operation.id)) results.set(item, created(item, now));
    const conflicts = items.filter((item) => !results.has(item));
    if (conflicts.length === 0) return results;
    const known = new Map(
      (
        await connection.run<HeadRow>(readConflicts, [
          conflicts.map(({ operation }) => operation.key),
        ])
      ).map((row) => [row.key, row]),
    );
    for (const item of conflicts) {
      const row = known.get(item.operation.key);
      if (row === undefined) continue;
      // Its own id: the first sending was committed and only its answer was lost.
      results.set(
        item,
        row.id === item.operation.id ? created(item, now) : { kind: "known", head: headOf(row) },
      );
    }
    return results;
  }

  function created({ operation, sentAt }: Item, now: number): Accepted {
    const { key, id, initial } = operation;
    const from = sentAt ?? now;
    switch (initial.kind) {
      case "scheduled":
        return { kind: "created", id, lease: leaseOf({ key, id, fence: 0 }, from + leaseMs) };
      case "leased":
        return {
          kind: "created",
          id,
          lease: leaseOf({ key, id, fence: 1 }, from + initial.leaseMs),
        };
      case "queued":
      case "started":
      case "settled":
        return { kind: "created", id, lease: null };
    }
  }
}

function bytesOf(operation: NewOperation): number {
  const outcome = outcomeOf(operation);
  return (
    rowBytes +
    operation.input.length +
    operation.headers.length +
    (outcome?.result?.length ?? 0) +
    (outcome?.failure?.length ?? 0)
  );
}

function outcomeOf({ initial }: NewOperation) {
  return initial.kind === "settled" ? initial.outcome : null;
}

function tokenOf(operation: NewOperation): string | null {
  return outcomeOf(operation)?.handlerToken ?? null;
}

function queuedAt({ initial }: NewOperation) {
  return initial.kind === "queued" || initial.kind === "leased" ? initial : null;
}

function stateOf({ initial }: NewOperation) {
  switch (initial.kind) {
    case "settled":
      return initial.outcome.state;
    case "queued":
      return "scheduled";
    case "leased":
      return "started";
    case "scheduled":
    case "started":
      return initial.kind;
  }
}
