import { backoff, retryAfter } from "../dispatch/backoff.ts";
import { headersFromBytes } from "../dispatch/forwarded-headers.ts";
import {
  certainlyNotAccepted,
  failedExchange,
  notSent,
  readStartReply,
  type SendStart,
  type StartAttempt,
} from "../dispatch/start-attempt.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { owes, type Lease, type NewOutcome } from "../store/store.ts";
import type { DeliverOwed } from "./deliver-owed.ts";
import { dropTask, whereabouts, type HeldOperation } from "./held-operation.ts";
import type { InlineWait } from "./inline-wait.ts";
import { failedOutcome, meshFailure, succeededOutcome } from "./outcome.ts";
import type { PutDownTasks } from "./put-down.ts";
import { outcomeRow, type SettleOperation } from "./settle-operation.ts";

/** One attempt of a held operation, its result written; what it then owes is paid by the same holder. */
export type AttemptStart = (held: HeldOperation, inline: InlineWait | null) => Promise<void>;

const leaseReserveMs = 1_000;

export function createAttemptStart(
  context: GatewayContext,
  parts: {
    sendStart: SendStart;
    settle: SettleOperation;
    deliverOwed: DeliverOwed;
    putDown: Pick<PutDownTasks, "wait">;
  },
): AttemptStart {
  const { clock, log, metrics, options, store } = context;

  return async (held, inline) => {
    try {
      await attemptOnce(held, inline);
    } finally {
      // Whatever went wrong: the operation is committed and the sweep goes on with it.
      inline?.answer({ kind: "started", links: undefined });
    }
  };

  async function attemptOnce(held: HeldOperation, inline: InlineWait | null): Promise<void> {
    const { operation, head } = held;
    const now = clock.now();
    if (head.closeBy !== null && head.closeBy <= now) return timeOut(held, "SCHEDULE_TO_CLOSE");
    const { endpoint, target, callerNamespace } = whereabouts(context, operation, head.targetId);
    const queued = target?.kind === "queue";
    // Of a queue: while no worker takes it.
    if (operation.startBy !== null && operation.startBy <= now && !(queued && head.attempt > 0))
      return timeOut(held, "SCHEDULE_TO_START");
    // What this gateway holds of a queue, no worker does.
    if (head.cancelRequestedAt !== null && (queued || (await neverSent(held)))) {
      const failure = meshFailure(
        "canceled",
        "Canceled",
        queued ? "canceled while no worker had it" : "canceled before it was sent to the handler",
        {},
      );
      return end(held, failedOutcome("canceled", failure, null), null, "cancel");
    }
    if (queued) return parts.putDown.wait(held, target.queueId);
    const lease = await freshLease(held.lease);
    if (lease === null) return;
    if (endpoint === undefined || target?.kind !== "http") {
      throw new Error(
        `operation ${operation.id}: endpoint ${operation.endpointId} or target ${head.targetId} is not in the snapshot`,
      );
    }
    const from = clock.monotonic();
    const remaining = operation.closeBy === null ? null : operation.closeBy - now;
    const timeoutMs = Math.max(
      1,
      Math.min(
        options.requestTimeoutMs,
        lease.endsAt - from - leaseReserveMs,
        remaining ?? Infinity,
      ),
    );
    const result: StartAttempt = await parts
      .sendStart({
        target,
        ownerNs: operation.ownerNs,
        callerNamespace,
        endpoint: endpoint.name,
        principal: operation.principal,
        service: operation.service,
        operation: operation.operation,
        key: operation.key,
        requestId: operation.requestId,
        completion: { kind: "durable", key: operation.key, id: operation.id },
        headers: {
          ...headersFromBytes(operation.headers),
          ...headersFromBytes(operation.contentHeaders),
        },
        body: operation.input,
        timeoutMs,
        operationTimeoutMs: smaller(remaining, operation.startToCloseMs),
        failureSupport: true,
      })
      .then(readStartReply, failedExchange);
    const ms = Math.round(clock.monotonic() - from);
    metrics.attemptSeconds.observe("start", ms / 1_000);
    metrics.attempts.inc({ kind: "start", result: attemptResult[result.kind] });
    const current: HeldOperation = { ...held, lease };
    switch (result.kind) {
      case "succeeded":
        return end(
          current,
          succeededOutcome(result.content, result.body, null, result.links),
          inline,
          "attempt",
        );
      case "failed":
        return end(current, failedOutcome(result.state, result.failure, null), inline, "attempt");
      case "refused":
        return end(current, failedOutcome("failed", result.failure, null), inline, "attempt");
      case "started":
        inline?.answer({ kind: "started", links: result.links });
        return noteStarted(current, result.token);
      case "retry":
        inline?.answer({ kind: "started", links: undefined });
        return noteRetry(current, result, now, ms);
    }
  }

  async function noteStarted(held: HeldOperation, handlerToken: string): Promise<void> {
    const { operation, head, lease } = held;
    const startToClose =
      operation.startToCloseMs === null ? null : clock.now() + operation.startToCloseMs;
    const written = await store.noteStarted({
      lease,
      handlerToken,
      closeBy: smaller(head.closeBy, startToClose),
    });
    if (written.kind === "overtaken") return;
    // Stale: the completion came to another gateway, or one took over.
    if (written.kind === "stale") return cancelOrphan(held, handlerToken);
    log.info({ operationId: lease.id, attempt: head.attempt + 1 }, "operation started");
    if (written.cancelPending) {
      await parts.deliverOwed({
        ...held,
        lease: written.lease,
        head: { ...head, state: "started", handlerToken, owes: head.owes | owes.cancel },
      });
    }
  }

  /** Ended by hand or by time while this attempt was on its way: its cancel found no token to name; now there is one. */
  async function cancelOrphan(held: HeldOperation, handlerToken: string): Promise<void> {
    const found = await store.head(held.lease.key);
    if (found?.id !== held.lease.id || found.handlerToken !== null) return;
    if (found.state !== "terminated" && found.state !== "timed_out") return;
    const head = { ...held.head, state: "started", handlerToken, owes: owes.cancel } as const;
    // Nobody holds the row for it, and the note of its delivery is refused by the fence: a cancel may come twice.
    const lease = { ...held.lease, endsAt: clock.monotonic() + options.leaseMs };
    await parts.deliverOwed({ ...held, lease, head });
  }

  async function noteRetry(
    held: HeldOperation,
    result: StartAttempt & { kind: "retry" },
    at: number,
    ms: number,
  ): Promise<void> {
    const { operation, head, lease } = held;
    const n = head.attempt + 1;
    const maxAttempts =
      whereabouts(context, operation, head.targetId).endpoint?.policy.maxAttempts ?? null;
    const parked = maxAttempts !== null && n >= maxAttempts;
    const delay =
      retryAfter(result.retryAfter, clock.now(), options.backoff.maxMs) ??
      backoff(n, options.backoff, clock.random);
    const untilStartBy =
      operation.startBy === null ? Infinity : Math.max(0, operation.startBy - clock.now());
    log.warn(
      { operationId: lease.id, attempt: n, status: result.status, error: result.error },
      parked ? "operation parked" : "attempt failed, will be tried again",
    );
    await store.noteRetry({
      lease,
      state: parked ? "parked" : "backing_off",
      delayMs: Math.min(delay, untilStartBy),
      attempt: {
        kind: "start",
        n,
        at,
        ms,
        targetId: head.targetId,
        status: result.status,
        error: result.error,
      },
      targetId: await nextTarget(held, result.error),
      knewCancel: head.cancelRequestedAt !== null,
      startByDelayMs: operation.startBy === null ? null : untilStartBy,
    });
  }

  /** The endpoint's target of now, once the pinned one certainly did not accept, in this attempt and in each before it. */
  async function nextTarget(held: HeldOperation, error: string): Promise<number | null> {
    const { operation, head } = held;
    const now = whereabouts(context, operation, null).target?.id;
    if (now === undefined || now === head.targetId) return head.targetId;
    const errors = await recordedErrors(held);
    return errors !== undefined && [error, ...errors].every(certainlyNotAccepted)
      ? now
      : head.targetId;
  }

  async function timeOut(
    held: HeldOperation,
    timeoutType: "SCHEDULE_TO_CLOSE" | "SCHEDULE_TO_START",
  ): Promise<void> {
    const failure = meshFailure(
      "failed",
      "Timeout",
      `operation timed out: ${timeoutType.toLowerCase().replaceAll("_", "-")}`,
      { timeoutType },
    );
    await end(held, failedOutcome("timed_out", failure, held.head.handlerToken), null, "deadline");
  }

  async function end(
    held: HeldOperation,
    outcome: NewOutcome,
    inline: InlineWait | null,
    /** The reply to an attempt, or this gateway's own decision. */
    by: "attempt" | "deadline" | "cancel",
  ): Promise<void> {
    const { lease, operation, head } = held;
    const takenInline = inline?.claim() ?? false;
    const settling = parts.settle({
      key: lease.key,
      id: lease.id,
      holder: lease,
      attempted: by === "attempt",
      outcome,
      takenInline,
      owesCancel: by === "deadline" && head.handlerToken !== null,
      endpointId: operation.endpointId,
    });
    const settled = await settling.catch((error: unknown) => {
      // A 201 now would promise a callback that the settle, if it was committed, does not owe.
      if (takenInline) inline?.answer({ kind: "unknown", error });
      throw error;
    });
    if (settled.kind !== "settled") {
      // Settled elsewhere: the callback is owed there, and the waiter is told 201.
      inline?.answer({ kind: "started", links: undefined });
      return;
    }
    await dropTask(context, operation, head.targetId);
    const row = outcomeRow(lease.key, lease.id, outcome, settled.head.closedAt ?? clock.now());
    if (takenInline) inline?.answer({ kind: "ended", outcome: row });
    if (settled.lease !== null)
      await parts.deliverOwed({ lease: settled.lease, operation, head: settled.head }, row);
  }

  /** Only the holder can know: each fence so far made one recorded attempt, and none of them left this mesh. */
  async function neverSent(held: HeldOperation): Promise<boolean> {
    const errors = await recordedErrors(held);
    return errors?.every((error) => error?.startsWith(notSent) === true) === true;
  }

  /** Of every attempt before this one; undefined where one has left no record, for its gateway died with it. */
  async function recordedErrors(held: HeldOperation): Promise<(string | null)[] | undefined> {
    const { attempt } = held.head;
    if (held.lease.fence !== attempt) return undefined;
    if (attempt === 0) return [];
    const starts = (await store.attempts(held.lease.id)).filter(({ kind }) => kind === "start");
    return starts.length === attempt ? starts.map(({ error }) => error) : undefined;
  }

  async function freshLease(lease: Lease): Promise<Lease | null> {
    const enough = Math.min(options.requestTimeoutMs + leaseReserveMs, options.leaseMs / 2);
    if (lease.endsAt - clock.monotonic() >= enough) return lease;
    const [renewed] = await store.renew([lease]);
    return renewed ?? null;
  }
}

const attemptResult = {
  succeeded: "ok",
  started: "ok",
  failed: "final",
  refused: "refused",
  retry: "retry",
} as const;

function smaller(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
