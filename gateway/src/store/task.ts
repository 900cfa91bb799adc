import type { Attempt, Head, Lease } from "./store.ts";

/** A task that a worker took: `lease.fence` is the worker's, until `lease.endsAt` unless it is renewed. */
export interface ClaimedTask {
  readonly kind: "start" | "cancel";
  readonly lease: Lease;
  readonly head: Head;
}

export interface Claim {
  readonly queueId: number;
  readonly worker: string;
  readonly leaseMs: number;
  readonly limit: number;
  /** The caller served last: its turn comes after everybody else's. */
  readonly afterCaller: number;
}

export interface Claimed {
  readonly tasks: readonly ClaimedTask[];
  /** Tasks looked at, those that had become void included: 0 = the queue is empty, or others hold what is there. */
  readonly seen: number;
  readonly lastCaller: number;
}

/** Why its holder (a gateway, or a worker by its fence) puts an operation of a queue down. */
export type PutDown =
  /** It waits for a worker. */
  | { readonly kind: "wait"; readonly startBy: number | null }
  /** The worker is gone, or answered that it may be tried again. `delayMs` null: another worker may take it at once. */
  | {
      readonly kind: "lost";
      readonly delayMs: number | null;
      readonly parked: boolean;
      readonly attempt: Attempt;
    }
  /** Given back unfinished: does not count as an attempt, so that `startBy` may still hold. */
  | { readonly kind: "released"; readonly startBy: number | null }
  /** The cancel that is owed waits for a worker. */
  | { readonly kind: "cancel" };

export interface PuttingDown {
  readonly lease: Pick<Lease, "key" | "id" | "fence">;
  readonly queueId: number;
  readonly priority: number;
  /** The operation's own, which an attempt's start-to-close may have shortened. */
  readonly closeBy: number | null;
  readonly how: PutDown;
}

export interface Heartbeat {
  readonly lease: Pick<Lease, "key" | "id" | "fence">;
  readonly leaseMs: number;
  /** JSON bytes. */
  readonly progress: Buffer | null;
}

export type Heartbeaten =
  /** `written` false: nothing had to be written, or the progress came too soon after the one before. */
  | { readonly kind: "held"; readonly cancelRequested: boolean; readonly written: boolean }
  | { readonly kind: "lost" };

export type TaskStarted =
  /** `cancelPending`: asked for meanwhile; this gateway holds the row and delivers it. */
  | { readonly kind: "written"; readonly cancelPending: boolean; readonly lease: Lease }
  /** The same answer again. */
  | { readonly kind: "repeated" }
  | { readonly kind: "lost" };

export interface CallerBacklog {
  readonly queueId: number;
  readonly callerNs: number;
  readonly depth: number;
  /** false: there are more. */
  readonly countedAll: boolean;
  /** Id of the oldest operation that waits. */
  readonly oldestId: string;
}

export interface WorkerSeen {
  readonly queueId: number;
  readonly worker: string;
  readonly seenAt: number;
}
