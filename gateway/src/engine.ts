import type { Endpoint, Namespace } from "@nexus-mesh/registry/registry";
import type { Follow, Follower } from "./operations/watches.ts";
import type { QueueEngine } from "./operations/queue-engine.ts";
import type { Caller } from "./identity/principal.ts";
import type { Head, OutcomeRow } from "./store/store.ts";

/** One start, as routes hand it in: authenticated and authorised already. */
/** What every start says, also one that leaves nothing behind. */
export interface PassThroughRequest {
  readonly caller: Caller & { readonly namespace: Namespace };
  readonly endpoint: Endpoint;
  readonly service: string;
  readonly operation: string;
  readonly requestId: string | null;
  /** Lower-case names, single values (`firstValues`). */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface StartRequest extends PassThroughRequest {
  readonly callbackUrl: string | null;
  readonly callbackHeaders: Readonly<Record<string, string>>;
  /** /v1 and `Prefer: respond-async`: answer at the commit. */
  readonly respondAsync: boolean;
  readonly redriveOf?: string;
}

export type StartReply =
  | {
      readonly kind: "started";
      readonly id: string;
      readonly created: boolean;
      readonly links: readonly string[];
    }
  /** Known and terminal, or ended within the inline wait. */
  | {
      readonly kind: "ended";
      readonly id: string;
      readonly created: boolean;
      readonly outcome: OutcomeRow;
    };

/** The operation lifecycle: what routes call, what dispatches and delivers. Errors are ApiError or HandlerError. */
export interface Engine {
  /** What workers ask. */
  readonly queues: QueueEngine;
  /** Always durable; the pass-through path is the Nexus route's own. */
  startDurable(request: StartRequest): Promise<StartReply>;
  /** Records the intent and returns at once; a repeat and a terminal operation too. */
  cancel(head: Pick<Head, "key" | "id">): Promise<void>;
  terminate(id: string, reason: string): Promise<void>;
  /** A parked or backing-off operation goes on (same id); a terminal one is started anew: the new id. */
  redrive(id: string, actor: Caller): Promise<{ id: string; created: boolean }>;
  redeliverCallback(callbackId: string): Promise<void>;
  /** Resolves true once the operation is terminal, false when the time or the signal ended first. */
  waitForEnd(ref: { key: string; id: string }, ms: number, signal: AbortSignal): Promise<boolean>;
  /** Shows the follower the operation as it is now, and whenever it has changed, until that is stopped. */
  watch(ref: { key: string; id: string }, follower: Follower): Follow;
  /** Starts the sweep loops. */
  run(): void;
  /** Stops taking work, answers waiters, lets attempts in flight end, flushes, releases what it holds. */
  drain(ms: number): Promise<void>;
}
