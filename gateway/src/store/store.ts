import type { State, TerminalState } from "../operations/lifecycle.ts";
import type { VersionArrays } from "./version-table.ts";
import type { OperationSnapshot, SnapshotOf } from "./watched.ts";
import type {
  CallerBacklog,
  Claim,
  Claimed,
  Heartbeat,
  Heartbeaten,
  PuttingDown,
  TaskStarted,
  WorkerSeen,
} from "./task.ts";

/** A gateway may act on the operation until `endsAt` by its own monotonic clock; later the fence refuses its writes. */
export interface Lease {
  readonly key: string;
  readonly id: string;
  readonly fence: number;
  /** Monotonic ms of this process: time before sending the statement + lease length. */
  readonly endsAt: number;
}

/** Bits of `head.owes`. */
export const owes = { callback: 1, cancel: 2, furtherCallbacks: 4 } as const;

/** A UUIDv7 `id`, a UUID `key`; byte fields are opaque here. Times are epoch ms (database time). */
export interface NewOperation {
  readonly id: string;
  readonly key: string;
  readonly callerNs: number;
  readonly ownerNs: number;
  readonly endpointId: number;
  readonly targetId: number;
  readonly inputHash: string; // UUID
  readonly service: string;
  readonly operation: string;
  readonly requestId: string | null;
  readonly principal: string;
  readonly labels: Record<string, string> | null;
  /** Forwardable request headers as JSON bytes. */
  readonly headers: Buffer;
  readonly callbackUrl: string | null;
  /** Sealed. */
  readonly callbackHeaders: Buffer | null;
  readonly closeBy: number | null; // null = infinity
  readonly startBy: number | null;
  readonly startToCloseMs: number | null;
  readonly dedupeWindowMs: number;
  /** Content-* headers as JSON bytes. */
  readonly contentHeaders: Buffer;
  readonly input: Buffer;
  readonly redriveOf: string | null;
  /** null but for operations of queues; 1 is taken before 5. */
  readonly priority: number | null;
  /**
   * scheduled: accepted, held by this gateway. queued: a task waits for a worker. leased: handed to a worker that was
   * waiting. started: a pass-through's 201, nobody holds it. settled: a completion that found no row.
   */
  readonly initial:
    | { readonly kind: "scheduled" }
    | { readonly kind: "queued"; readonly queueId: number }
    | {
        readonly kind: "leased";
        readonly queueId: number;
        readonly worker: string;
        readonly leaseMs: number;
      }
    | { readonly kind: "started"; readonly handlerToken: string }
    | { readonly kind: "settled"; readonly outcome: NewOutcome };
}

export interface NewOutcome {
  readonly state: TerminalState;
  readonly handlerToken: string | null;
  /** JSON bytes of what came with it and goes on with it: `Content-*` of a result, `Nexus-Link`; null = none. */
  readonly headers: Buffer | null;
  /** Exactly one of the two is set: the result's bytes, or the failure's JSON bytes. */
  readonly result: Buffer | null;
  readonly failure: Buffer | null;
  /** UUID over state, body and content headers: tells a repeat of a completion from another one. */
  readonly digest: string;
  /** JSON bytes of the attempts folded in, or null. */
  readonly attempts: Buffer | null;
}

export interface Head {
  readonly key: string;
  readonly id: string;
  readonly callerNs: number;
  readonly ownerNs: number;
  readonly endpointId: number;
  readonly inputHash: string;
  readonly state: State;
  readonly fence: number;
  readonly attempt: number;
  readonly owes: number;
  readonly targetId: number | null;
  readonly dueAt: number;
  readonly closeBy: number | null;
  readonly handlerToken: string | null;
  readonly cancelRequestedAt: number | null;
  readonly closedAt: number | null;
}

export type Accepted =
  /** Ours. `lease` is null unless it was accepted as scheduled (this gateway's) or leased (the worker's). */
  | { readonly kind: "created"; readonly id: string; readonly lease: Lease | null }
  /** The key is known: the row that is there (it may be terminal). Compare `head.inputHash`. */
  | { readonly kind: "known"; readonly head: Head };

export interface Settle {
  readonly key: string;
  readonly id: string;
  /** A completion, a deadline or a person needs only a non-terminal state; the holder's own attempt also its fence. */
  readonly by:
    | { readonly kind: "anyone" }
    | {
        readonly kind: "holder";
        readonly fence: number;
        /** The outcome is the reply to an attempt of this holder, which is counted. */
        readonly attempted?: boolean;
      };
  readonly outcome: NewOutcome;
  /** An inline waiter of this gateway takes the outcome: the operation's own callback is not owed. */
  readonly takenInline: boolean;
  /** timed_out, terminated of a started operation: the handler is owed a cancel. */
  readonly owesCancel: boolean;
}

export type Settled =
  /** `lease` is there when something is owed, and then this gateway holds it and delivers. */
  | {
      readonly kind: "settled";
      readonly owes: number;
      readonly lease: Lease | null;
      readonly head: Head;
    }
  | { readonly kind: "already"; readonly head: Head; readonly digest: string | null }
  /** No row of this key and id. */
  | { readonly kind: "unknown" }
  /** The holder's fence is old. */
  | { readonly kind: "stale" };

export interface OperationRow {
  readonly id: string;
  readonly key: string;
  readonly callerNs: number;
  readonly ownerNs: number;
  readonly endpointId: number;
  readonly service: string;
  readonly operation: string;
  readonly requestId: string | null;
  readonly principal: string;
  readonly labels: Record<string, string> | null;
  readonly headers: Buffer;
  readonly callbackUrl: string | null;
  readonly callbackHeaders: Buffer | null;
  readonly closeBy: number | null;
  readonly startBy: number | null;
  readonly startToCloseMs: number | null;
  readonly contentHeaders: Buffer;
  readonly input: Buffer;
  readonly redriveOf: string | null;
  /** null but for operations of queues; 1 is taken before 5. */
  readonly priority: number | null;
}

export interface OutcomeRow extends NewOutcome {
  readonly id: string;
  readonly key: string;
  readonly closedAt: number;
}

export const attemptKinds = ["start", "cancel", "callback"] as const;
export type AttemptKind = (typeof attemptKinds)[number];

export interface Attempt {
  readonly kind: AttemptKind;
  readonly n: number;
  readonly at: number;
  readonly ms: number;
  readonly targetId: number | null;
  /** HTTP status, or null when there was none. */
  readonly status: number | null;
  /** Text for people; holds no payload and no secret. */
  readonly error: string | null;
}

/** What a holder found out; lazily gathered (≤ 100 ms or 200 rows), guarded by fence, dropped when settle overtakes. */
export interface StartedNote {
  readonly lease: Lease;
  readonly handlerToken: string;
  /** Next time somebody must look: the nearest deadline (epoch ms), null = none. */
  readonly closeBy: number | null;
}

export type StartedWritten =
  /** `cancelPending`: a cancel was asked for meanwhile; this gateway keeps the lease and delivers it. */
  | { readonly kind: "written"; readonly cancelPending: boolean; readonly lease: Lease }
  /** Its completion was settled here before this was written: there is nothing left to note. */
  | { readonly kind: "overtaken" }
  | { readonly kind: "stale" };

export interface RetryNote {
  readonly lease: Lease;
  readonly state: "backing_off" | "parked";
  /** Delay from database now until due; the store clips it to `close_by`. Parked: until close_by. */
  readonly delayMs: number;
  readonly attempt: Attempt;
  readonly targetId: number | null;
  /** The holder took the row with its cancel asked for already; one asked since makes the row due at once. */
  readonly knewCancel?: boolean;
  /** Until schedule-to-start ends: a parked row is looked at then. */
  readonly startByDelayMs?: number | null;
}

export type CallbackState = "waiting" | "due" | "delivered" | "parked";

export interface CallbackRow {
  /** `<operation id>.<url hash>`: stable, used as callback id by /v1 (no secret in it). */
  readonly callbackId: string;
  readonly key: string;
  readonly id: string;
  readonly url: string;
  readonly headers: Buffer | null;
  readonly state: CallbackState;
  readonly dueAt: number;
  readonly attempt: number;
  readonly fence: number;
  readonly createdAt: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export interface ListFilter {
  /** made: caller_ns = namespaceId; served: owner_ns = namespaceId. null namespaceId (admin): all. */
  readonly view: "made" | "served";
  readonly namespaceId: number | null;
  readonly states: readonly State[];
  readonly endpointId: number | null;
  readonly callerNs: number | null;
  readonly service: string | null;
  readonly operation: string | null;
  readonly after: number | null; // epoch ms
  readonly before: number | null;
}

export interface OperationSummary {
  readonly row: Omit<OperationRow, "input" | "contentHeaders" | "headers" | "callbackHeaders">;
  /** null once the head was purged: then `outcome` is there. */
  readonly head: Head | null;
  readonly outcome: Pick<OutcomeRow, "state" | "closedAt" | "handlerToken"> | null;
  /** The worker that holds it or held it last, and what was reported last (JSON bytes); both go with the head. */
  readonly worker: string | null;
  readonly progress: Buffer | null;
}

export interface CancelAsked {
  readonly kind: "recorded" | "repeated" | "terminal" | "unknown";
  readonly head: Head | null;
  /** The row was started: this gateway took it and delivers the cancel now. */
  readonly lease: Lease | null;
}

/**
 * The data plane. SQL only: it never dispatches and never decides (guards are computed from lifecycle.ts).
 * Throws {@link StoreUnavailable} when Postgres cannot be reached (retryable), {@link StoreOverloaded} beyond the byte bound.
 */
export interface Store {
  // group-committed and awaited
  accept(operation: NewOperation): Promise<Accepted>;
  settle(settle: Settle): Promise<Settled>;
  askCancel(key: string, id: string): Promise<CancelAsked>;
  /** Attaches a further callback: not terminal → row and `owes | 4`; terminal → nothing is written. */
  attach(
    key: string,
    id: string,
    url: string,
    sealedHeaders: Buffer | null,
  ): Promise<"attached" | "terminal" | "unknown">;
  /** parked or backing_off → scheduled, held by this gateway. */
  redrive(key: string, id: string): Promise<Lease | null>;
  renew(leases: readonly Lease[]): Promise<(Lease | null)[]>;

  // lazy: gathered, resolved when written
  noteStarted(note: StartedNote): Promise<StartedWritten>;
  noteRetry(note: RetryNote): Promise<"written" | "stale">;
  /** The own callback was acknowledged: clears `owes & 1`; nothing left → due at the window's end. */
  noteDelivered(lease: Lease): Promise<"written" | "stale">;
  /** The cancel was acknowledged (or the handler refused it for good): clears `owes & 2`. Gives the lease back. */
  noteCancelDelivered(
    lease: Lease,
    attempt: Attempt,
    retryDelayMs: number | null,
  ): Promise<"written" | "stale">;
  /** First failed delivery: moves the own callback to the callback table and clears `owes & 1`, one statement. */
  moveCallback(
    lease: Lease,
    callback: { url: string; headers: Buffer | null; delayMs: number | null; attempt: Attempt },
  ): Promise<"written" | "stale">;
  /** Lets a held row go without change: due again after `delayMs`. */
  release(lease: Lease, delayMs: number): Promise<void>;
  addAttempts(key: string, id: string, attempts: readonly Attempt[]): Promise<void>;

  // sweep
  /** Takes due heads (fence + 1, lease) and purges the finished ones; `full` = call again at once; `at`: database time. */
  sweep(limit: number): Promise<{
    taken: { head: Head; lease: Lease; at: number }[];
    purged: number;
    full: boolean;
  }>;
  /** Arms attached callbacks of a settled operation (`owes & 4` cleared), as its holder. */
  armCallbacks(lease: Lease): Promise<"written" | "stale">;
  sweepCallbacks(limit: number): Promise<CallbackRow[]>;
  noteCallback(
    row: Pick<CallbackRow, "key" | "id" | "url" | "fence">,
    result:
      | { kind: "delivered" }
      | { kind: "retry"; delayMs: number; attempt: Attempt }
      | { kind: "parked"; attempt: Attempt },
  ): Promise<"written" | "stale">;

  // tasks of queues (tasks.ts)
  claimTasks(claim: Claim): Promise<Claimed>;
  /** `stale`: it is not the holder's any more, or it has ended. */
  putDown(operation: PuttingDown): Promise<"written" | "stale">;
  heartbeat(beat: Heartbeat): Promise<Heartbeaten>;
  /** A worker's asynchronous start, awaited: its lease ends here, and the handler's token is known. */
  startTask(lease: Pick<Lease, "key" | "id" | "fence">, handlerToken: string): Promise<TaskStarted>;
  /** Start-to-close counts from the claim. */
  shortenDeadline(lease: Pick<Lease, "key" | "id" | "fence">, closeBy: number): Promise<void>;
  /** The operation ended while its task waited. The task of a cancel that is owed stays. */
  dropTask(task: {
    queueId: number;
    callerNs: number;
    priority: number;
    id: string;
  }): Promise<void>;
  /** Which of these queues have tasks: one query for all polls that wait here. */
  queuesWithTasks(queueIds: readonly number[]): Promise<number[]>;
  /** Tells the other gateways; polling is the truth. */
  notifyQueues(queueIds: readonly number[]): Promise<void>;
  backlog(queueIds: readonly number[]): Promise<CallerBacklog[]>;
  noteWorkers(seen: readonly Pick<WorkerSeen, "queueId" | "worker">[]): Promise<void>;
  workers(queueIds: readonly number[], withinMs: number): Promise<WorkerSeen[]>;
  /** By whoever has the callback token; `early`: another report was written less than a second ago. */
  noteProgress(
    key: string,
    id: string,
    progress: Buffer,
  ): Promise<"written" | "early" | "terminal" | "unknown">;

  // reads
  head(key: string): Promise<Head | undefined>;
  /** By UUIDv7 id, pruned to its partition. */
  operation(id: string): Promise<OperationRow | undefined>;
  operations(ids: readonly string[]): Promise<OperationRow[]>;
  outcome(id: string): Promise<OutcomeRow | undefined>;
  summary(id: string): Promise<OperationSummary | undefined>;
  /** Which of these versions are no longer the rows' (counted from 0): one query for all that is watched at a gateway. */
  outdated(versions: VersionArrays): Promise<number[]>;
  /** As they are now, of one moment; one that is missing is forgotten. */
  snapshots(of: readonly SnapshotOf[]): Promise<OperationSnapshot[]>;
  list(
    filter: ListFilter,
    limit: number,
    before: string | null,
  ): Promise<{ items: OperationSummary[]; next: string | null }>;
  attempts(id: string): Promise<Attempt[]>;
  callbacks(
    filter: { namespaceId: number | null; states: readonly CallbackState[] },
    limit: number,
    before: string | null,
  ): Promise<{ items: CallbackRow[]; next: string | null }>;
  callback(callbackId: string): Promise<CallbackRow | undefined>;
  /** parked or waiting for a retry → due now; for an operation's own delivered callback: a new row. */
  redeliver(callbackId: string): Promise<boolean>;
  counts(): Promise<{ due: number; oldestDueMs: number }>;

  /** Writes what is gathered; used by drain. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}
export class StoreOverloaded extends Error {
  override readonly name = "StoreOverloaded";
}
