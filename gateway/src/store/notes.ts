import type { Metrics } from "../metrics.ts";
import { states, statesChangedBy } from "../operations/lifecycle.ts";
import { attemptColumns, insertAttempts } from "./attempt-row.ts";
import { callbackCodes } from "./callback-codes.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { leaseOf, milliseconds, timestamp, windowEnd } from "./head-row.ts";
import { arrays, sameKey, unnest, type ArrayColumn } from "./row-arrays.ts";
import { inStates, openCodes, terminalCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import {
  owes,
  type Attempt,
  type Lease,
  type RetryNote,
  type StartedNote,
  type StartedWritten,
} from "./store.ts";
import { urlHash } from "./url-hash.ts";
import type { ReachCrashPoint } from "../crash-points.ts";

export type Written = "written" | "stale";

export interface MovedCallback {
  readonly lease: Lease;
  readonly url: string;
  readonly headers: Buffer | null;
  /** null: the receiver refused it for good, only a person may send it again. */
  readonly delayMs: number | null;
  readonly attempt: Attempt;
}

export interface CancelDelivered {
  readonly lease: Lease;
  readonly attempt: Attempt;
  readonly retryDelayMs: number | null;
}

/** What a holder found out. Nobody's request waits for them: what is lost here comes again when the lease has ended. */
export interface Notes {
  readonly started: GroupCommit<StartedNote, StartedWritten>;
  readonly retry: GroupCommit<RetryNote, Written>;
  readonly delivered: GroupCommit<Lease, Written>;
  readonly cancelDelivered: GroupCommit<CancelDelivered, Written>;
  readonly moveCallback: GroupCommit<MovedCallback, Written>;
  readonly release: GroupCommit<{ lease: Lease; delayMs: number }, Written>;
}

const gather = { ms: 100, rows: 200 };
const rowBytes = 512;

function leaseColumns<Row>(of: (row: Row) => Lease): ArrayColumn<Row>[] {
  return [
    { name: "key", type: "uuid", value: (row) => of(row).key },
    { name: "id", type: "uuid", value: (row) => of(row).id },
    { name: "fence", type: "int", value: (row) => of(row).fence },
  ];
}

/** Guarded by key, id and fence; `rows` come in the order of their keys, so that no two batches lock each other out. */
function sameHead(head: string, rows: string): string {
  return `${sameKey(head, rows)} and ${head}.id = ${rows}.id and ${head}.fence = ${rows}.fence`;
}

/** Locked first by the statements that also insert: it must happen exactly to the rows that change. */
function held<Row>(columns: readonly ArrayColumn<Row>[], first: number, guard: string): string {
  return `select r.*, h.state as was, h.owes as owed, h.caller_ns
    from ${unnest(columns, first)} join head h on ${sameHead("h", "r")} and ${guard}
    order by r.key for update of h`;
}

const startedColumns: readonly ArrayColumn<StartedNote>[] = [
  ...leaseColumns(({ lease }: StartedNote) => lease),
  { name: "handler_token", type: "text", value: (note) => note.handlerToken },
  { name: "close_by", type: "float8", value: (note) => note.closeBy },
];
const startable = inStates("head.state", statesChangedBy("handler_started"));
const started: Statement = {
  name: "note-started",
  text: `update head set state = ${states.started}, handler_token = r.handler_token, running = true,
      attempt = head.attempt + 1, close_by = least(head.close_by, ${timestamp("r.close_by")}),
      owes = case when head.cancel_requested_at is null then head.owes else head.owes | ${owes.cancel} end,
      due_at = case when head.cancel_requested_at is null then least(head.close_by, ${timestamp("r.close_by")})
        else now() + ${milliseconds("$1::float8")} end
    from ${unnest(startedColumns, 2)} where ${sameHead("head", "r")} and ${startable}
    returning head.key, head.id, head.fence, head.cancel_requested_at is not null as cancel_pending`,
};

const retryColumns: readonly ArrayColumn<RetryNote>[] = [
  ...leaseColumns(({ lease }: RetryNote) => lease),
  { name: "state", type: "smallint", value: (note) => states[note.state] },
  { name: "delay_ms", type: "float8", value: (note) => Math.max(0, note.delayMs) },
  { name: "target_id", type: "int", value: (note) => note.targetId },
  { name: "knew_cancel", type: "boolean", value: (note) => note.knewCancel === true },
  { name: "start_by_ms", type: "float8", value: (note) => note.startByDelayMs ?? null },
  ...attemptColumns(({ attempt }: RetryNote) => attempt),
];
const failing = statesChangedBy("attempt_failed");
const exhausting = statesChangedBy("attempts_exhausted");
const moves = `(case l.state when ${states.parked} then ${inStates("l.was", exhausting)} else ${inStates("l.was", failing)} end)`;
// A parked row whose holder tried once more stays parked: the event is ignored, only the row is given back.
const retryable = inStates("h.state", [...new Set([...failing, ...exhausting, states.parked])]);
const retry: Statement = {
  name: "note-retry",
  text: `with l as (${held(retryColumns, 1, retryable)}),
    a as (${insertAttempts("l")})
    update head set state = case when ${moves} then l.state else head.state end, running = true, attempt = l.n,
      target_id = coalesce(l.target_id, head.target_id),
      due_at = case when head.cancel_requested_at is not null and not l.knew_cancel then now()
        when ${moves} and l.state <> ${states.parked}
        then least(head.close_by, now() + ${milliseconds("l.delay_ms")})
        else least(head.close_by, now() + ${milliseconds("l.start_by_ms")}) end
    from l where ${sameHead("head", "l")}
    returning head.key, head.id`,
};

/** Bits go; with nothing left the row waits for the end of its window, else its holder goes on with the rest. */
function without(bit: number): string {
  return `owes = head.owes & ~${bit},
    due_at = case when head.owes & ~${bit} = 0 then ${windowEnd} else head.due_at end`;
}

const deliveredColumns = leaseColumns((lease: Lease) => lease);
const delivered: Statement = {
  name: "note-delivered",
  text: `update head set ${without(owes.callback)}
    from ${unnest(deliveredColumns, 1)} where ${sameHead("head", "r")} and ${inStates("head.state", terminalCodes)}
    returning head.id`,
};

const movedColumns: readonly ArrayColumn<MovedCallback>[] = [
  ...leaseColumns(({ lease }: MovedCallback) => lease),
  { name: "url", type: "text", value: (moved) => moved.url },
  { name: "url_hash", type: "uuid", value: (moved) => urlHash(moved.url) },
  { name: "headers", type: "bytea", value: (moved) => moved.headers },
  {
    name: "delay_ms",
    type: "float8",
    value: ({ delayMs }) => (delayMs === null ? null : Math.max(0, delayMs)),
  },
  ...attemptColumns(({ attempt }: MovedCallback) => attempt),
];
// Only a callback that is owed moves: a repeat of this note must not make it due once more.
const movable = `${inStates("h.state", terminalCodes)} and h.owes & ${owes.callback} <> 0`;
const moveCallback: Statement = {
  name: "move-callback",
  text: `with l as (${held(movedColumns, 1, movable)}),
    a as (${insertAttempts("l")}),
    c as (
      insert into callback (key, id, url_hash, url, headers, state, due_at, attempt, caller_ns, last_status, last_error)
      select key, id, url_hash, url, headers,
        case when delay_ms is null then ${callbackCodes.parked} else ${callbackCodes.due} end,
        coalesce(now() + ${milliseconds("delay_ms")}, 'infinity'), n, caller_ns, status, error
      from l
      on conflict (key, id, url_hash) do update set state = excluded.state, due_at = excluded.due_at
    )
    update head set ${without(owes.callback)} from l where ${sameHead("head", "l")}
    returning head.key, head.id`,
};

const cancelColumns: readonly ArrayColumn<CancelDelivered>[] = [
  ...leaseColumns(({ lease }: CancelDelivered) => lease),
  { name: "retry_ms", type: "float8", value: (note) => note.retryDelayMs },
  ...attemptColumns(({ attempt }: CancelDelivered) => attempt),
];
const isOpen = inStates("head.state", openCodes);
const cancelDelivered: Statement = {
  name: "note-cancel-delivered",
  text: `with l as (${held(cancelColumns, 1, "true")}),
    a as (${insertAttempts("l")})
    update head set
      owes = case when l.retry_ms is null then head.owes & ~${owes.cancel} else head.owes end,
      due_at = case
        when ${isOpen} and l.retry_ms is null then head.close_by
        when ${isOpen} then least(head.close_by, now() + ${milliseconds("l.retry_ms")})
        when l.retry_ms is not null then now() + ${milliseconds("l.retry_ms")}
        when head.owes & ~${owes.cancel} = 0 then ${windowEnd} else head.due_at end
    from l where ${sameHead("head", "l")}
    returning head.key, head.id`,
};

const releaseColumns: readonly ArrayColumn<{ lease: Lease; delayMs: number }>[] = [
  ...leaseColumns(({ lease }: { lease: Lease }) => lease),
  { name: "delay_ms", type: "float8", value: ({ delayMs }) => Math.max(0, delayMs) },
];
// An ended row that owes nothing is nobody's: giving it back must not shorten its window.
const release: Statement = {
  name: "release",
  text: `update head set due_at = case when ${isOpen} then least(head.close_by, now() + ${milliseconds("r.delay_ms")})
      else now() + ${milliseconds("r.delay_ms")} end
    from ${unnest(releaseColumns, 1)} where ${sameHead("head", "r")} and (${isOpen} or head.owes <> 0)
    returning head.id`,
};

export function createNotes(
  connection: StoreConnection,
  metrics: Metrics,
  crash: ReachCrashPoint,
): Notes {
  const { clock, leaseMs } = connection;

  return {
    started: createGroupCommit({
      ...shared<StartedNote>(started, ({ lease }) => lease),
      // A short operation ends within this time, and then there is nothing to note.
      gather: { ...gather, minAgeMs: gather.ms },
      bytesOf: (note) => rowBytes + note.handlerToken.length,
      async write(notes) {
        const now = clock.monotonic();
        const rows = await connection.runBatch<Lease & { cancel_pending: boolean }>(started, [
          leaseMs,
          ...arrays(startedColumns, notes),
        ]);
        crash("started:written");
        const found = new Map(rows.map((row) => [row.id, row]));
        return notes.map(({ lease }): StartedWritten => {
          const row = found.get(lease.id);
          if (row === undefined) return { kind: "stale" };
          const cancelPending = row.cancel_pending;
          return {
            kind: "written",
            cancelPending,
            lease: cancelPending ? leaseOf(row, now + leaseMs) : lease,
          };
        });
      },
    }),
    retry: simple(retry, retryColumns, ({ lease }) => lease, gather),
    delivered: simple(delivered, deliveredColumns, (lease) => lease, gather),
    cancelDelivered: simple(cancelDelivered, cancelColumns, ({ lease }) => lease, gather),
    moveCallback: simple(moveCallback, movedColumns, ({ lease }) => lease, gather),
    release: simple(release, releaseColumns, ({ lease }) => lease, undefined),
  };

  function shared<Note>(statement: Statement, leaseOfNote: (note: Note) => Lease) {
    return {
      statement: statement.name,
      clock,
      metrics,
      keyOf: (note: Note) => leaseOfNote(note).key,
      onePerKey: true,
    };
  }

  function simple<Note>(
    statement: Statement,
    columns: readonly ArrayColumn<Note>[],
    leaseOfNote: (note: Note) => Lease,
    gathered: typeof gather | undefined,
  ): GroupCommit<Note, Written> {
    return createGroupCommit({
      ...shared(statement, leaseOfNote),
      ...(gathered === undefined ? {} : { gather: gathered }),
      bytesOf: () => rowBytes,
      async write(notes) {
        const rows = await connection.runBatch<{ id: string }>(statement, arrays(columns, notes));
        const written = new Set(rows.map(({ id }) => id));
        return notes.map((note): Written =>
          written.has(leaseOfNote(note).id) ? "written" : "stale",
        );
      },
    });
  }
}
