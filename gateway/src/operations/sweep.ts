import { backoff, retryAfter } from "../dispatch/backoff.ts";
import type { SendCallback } from "../callbacks/send-callback.ts";
import type { GatewayContext } from "../gateway-context.ts";
import {
  owes,
  type CallbackRow,
  type Head,
  type Lease,
  type OperationRow,
} from "../store/store.ts";
import type { AttemptStart } from "./attempt-start.ts";
import type { DeliverOwed } from "./deliver-owed.ts";
import { whereabouts, type HeldOperation } from "./held-operation.ts";
import { isTerminal } from "./lifecycle.ts";
import { failedOutcome, meshFailure } from "./outcome.ts";
import type { PutDownTasks } from "./put-down.ts";
import { outcomeRow, type SettleOperation } from "./settle-operation.ts";

export interface Sweep {
  run(): void;
  stop(): void;
}

const batch = 100;
/** Work taken at once: more would run out of its lease before its turn comes. */
const maxInFlight = 500;

/**
 * The only way of recovery: due retries, deadlines, dead gateways, owed callbacks and clean-up are the same row whose
 * `due_at` has come (storage.md).
 */
export function createSweep(
  context: GatewayContext,
  parts: {
    attemptStart: AttemptStart;
    deliverOwed: DeliverOwed;
    putDown: Pick<PutDownTasks, "lost">;
    settle: SettleOperation;
    sendCallback: SendCallback;
    background: (work: Promise<void>) => void;
  },
): Sweep {
  const { clock, log, metrics, options, store } = context;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweeping = false;
  /** The sweep's own work: first attempts of new starts must not keep it from recovering others. */
  let taken = 0;
  /** Since when Postgres has answered this gateway without a failure. Nothing is known of before the start. */
  let healthySince: number | undefined = -Infinity;

  return {
    run() {
      again(0);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };

  function again(delayMs: number): void {
    if (stopped) return;
    timer = setTimeout(() => {
      void once();
    }, delayMs);
  }

  async function once(): Promise<void> {
    if (sweeping) return;
    sweeping = true;
    let full = false;
    try {
      if (healthySince === undefined) {
        await store.counts();
        healthySince = clock.monotonic();
      }
      // After a stall of Postgres living holders write first: sweeping at once took 425 of 1,000 results from them.
      const healthy = clock.monotonic() - healthySince >= options.leaseMs;
      const from = clock.monotonic();
      if (healthy && taken < maxInFlight) full = await sweepAll();
      // A stall that ended without an error is one too.
      if (clock.monotonic() - from > options.leaseMs / 5) healthySince = clock.monotonic();
    } catch (error) {
      healthySince = undefined;
      log.error({ err: error }, "the sweep failed and will be tried again");
    } finally {
      sweeping = false;
      again(
        full
          ? 0
          : options.sweepMs.min + (options.sweepMs.max - options.sweepMs.min) * clock.random(),
      );
    }
  }

  async function sweepAll(): Promise<boolean> {
    const swept = await store.sweep(batch);
    if (swept.purged > 0) metrics.sweepTaken.inc({ kind: "purged" }, swept.purged);
    if (swept.taken.length > 0) {
      metrics.sweepTaken.inc({ kind: "taken" }, swept.taken.length);
      const rows = new Map(
        (await store.operations(swept.taken.map(({ lease }) => lease.id))).map((row) => [
          row.id,
          row,
        ]),
      );
      for (const { head, lease, at } of swept.taken) {
        const operation = rows.get(lease.id);
        if (operation === undefined)
          log.error({ operationId: lease.id }, "a head has no operation row");
        else take(goOn(operation, head, lease, at));
      }
    }
    const callbacks = await store.sweepCallbacks(batch);
    if (callbacks.length > 0) metrics.sweepTaken.inc({ kind: "callback" }, callbacks.length);
    for (const row of callbacks) take(deliverRow(row));
    return swept.full || callbacks.length === batch;
  }

  function take(work: Promise<void>): void {
    taken += 1;
    parts.background(
      work.finally(() => {
        taken -= 1;
      }),
    );
  }

  /** `now`: the database's, by which it was due. By a clock that is behind, a deadline would be a lease that was lost. */
  async function goOn(
    operation: OperationRow,
    head: Head,
    lease: Lease,
    now: number,
  ): Promise<void> {
    const held: HeldOperation = { lease, operation, head };
    if (isTerminal(head.state)) return parts.deliverOwed(held);
    if (head.state !== "started") return parts.attemptStart(held, null);
    if (head.closeBy !== null && head.closeBy <= now) return timeOut(held, now);
    const { target } = whereabouts(context, operation, head.targetId);
    if (target?.kind === "queue" && head.handlerToken === null)
      return parts.putDown.lost(held, target.queueId);
    if ((head.owes & owes.cancel) !== 0) return parts.deliverOwed(held);
    await store.release(lease, head.closeBy === null ? 30 * 86_400_000 : head.closeBy - now);
  }

  async function timeOut(held: HeldOperation, now: number): Promise<void> {
    const { lease, operation, head } = held;
    const scheduleToClose = operation.closeBy !== null && operation.closeBy <= now;
    const timeoutType = scheduleToClose ? "SCHEDULE_TO_CLOSE" : "START_TO_CLOSE";
    const failure = meshFailure(
      "failed",
      "Timeout",
      `operation timed out: ${timeoutType.toLowerCase().replaceAll("_", "-")}`,
      { timeoutType },
    );
    const outcome = failedOutcome("timed_out", failure, head.handlerToken);
    const settled = await parts.settle({
      key: lease.key,
      id: lease.id,
      holder: lease,
      outcome,
      takenInline: false,
      owesCancel: head.handlerToken !== null,
      endpointId: operation.endpointId,
    });
    if (settled.kind === "settled" && settled.lease !== null) {
      const row = outcomeRow(lease.key, lease.id, outcome, settled.head.closedAt ?? clock.now());
      await parts.deliverOwed({ lease: settled.lease, operation, head: settled.head }, row);
    }
  }

  /** A further, failed or redelivered callback: its own row with its own fence. */
  async function deliverRow(row: CallbackRow): Promise<void> {
    const [operation, outcome] = await Promise.all([
      store.operation(row.id),
      store.outcome(row.id),
    ]);
    if (operation === undefined || outcome === undefined)
      throw new Error(`callback ${row.callbackId} is due and its operation has no outcome`);
    const at = clock.now();
    const from = clock.monotonic();
    const result = await parts.sendCallback({
      url: row.url,
      sealedHeaders: row.headers,
      operation,
      outcome,
    });
    const ms = Math.round(clock.monotonic() - from);
    metrics.attempts.inc({
      kind: "callback",
      result: result.result === "delivered" ? "ok" : result.result,
    });
    metrics.attemptSeconds.observe("callback", ms / 1_000);
    if (result.result === "delivered") {
      await store.noteCallback(row, { kind: "delivered" });
      return;
    }
    const n = row.attempt + 1;
    const attempt = {
      kind: "callback",
      n,
      at,
      ms,
      targetId: null,
      status: result.status,
      error: result.error,
    } as const;
    const parked =
      result.result === "refused" || clock.now() - row.createdAt >= options.callbackRetentionMs;
    log.warn(
      { operationId: row.id, attempt: n, status: result.status, error: result.error },
      parked ? "callback parked" : "callback not delivered, will be tried again",
    );
    const delayMs =
      retryAfter(result.retryAfter, clock.now(), options.backoff.maxMs) ??
      backoff(n, options.backoff, clock.random);
    await store.noteCallback(
      row,
      parked ? { kind: "parked", attempt } : { kind: "retry", delayMs, attempt },
    );
  }
}
