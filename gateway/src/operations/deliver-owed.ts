import { backoff, retryAfter } from "../dispatch/backoff.ts";
import type { SendCancel } from "../dispatch/cancel-attempt.ts";
import type { SendCallback } from "../callbacks/send-callback.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { owes, type Attempt, type Lease, type OutcomeRow } from "../store/store.ts";
import { whereabouts, type HeldOperation } from "./held-operation.ts";
import { isTerminal } from "./lifecycle.ts";
import type { PutDownTasks } from "./put-down.ts";

/** Pays what a held operation owes: attached callbacks are armed, the own one is sent, a cancel goes to the handler. */
export type DeliverOwed = (held: HeldOperation, outcome?: OutcomeRow) => Promise<void>;

export function createDeliverOwed(
  context: GatewayContext,
  sendCallback: SendCallback,
  sendCancel: SendCancel,
  putDown: Pick<PutDownTasks, "cancel">,
): DeliverOwed {
  const { clock, keys, log, metrics, options, store } = context;

  return async (held, known) => {
    const { lease, head } = held;
    if (isTerminal(head.state)) {
      if (
        (head.owes & owes.furtherCallbacks) !== 0 &&
        (await store.armCallbacks(lease)) === "stale"
      )
        return;
      if ((head.owes & owes.callback) !== 0) {
        const outcome = known ?? (await store.outcome(lease.id));
        if (outcome === undefined)
          throw new Error(`operation ${lease.id} is ${head.state} and has no outcome`);
        await deliverOwnCallback(held, outcome);
      }
    }
    if ((head.owes & owes.cancel) !== 0) await deliverCancel(held);
  };

  async function deliverOwnCallback(held: HeldOperation, outcome: OutcomeRow): Promise<void> {
    const { lease, operation } = held;
    const { callbackUrl, callbackHeaders: sealed } = operation;
    if (callbackUrl === null) {
      await store.noteDelivered(lease);
      return;
    }
    if (!(await longEnough(lease, options.callbackTimeoutMs))) return;
    const at = clock.now();
    const from = clock.monotonic();
    const result = await sendCallback({
      url: callbackUrl,
      sealedHeaders: sealed,
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
      await store.noteDelivered(lease);
      return;
    }
    const refused = result.result === "refused";
    log.warn(
      { operationId: lease.id, status: result.status, error: result.error },
      refused ? "callback refused by its receiver" : "callback not delivered, will be tried again",
    );
    const attempt: Attempt = {
      kind: "callback",
      n: 1,
      at,
      ms,
      targetId: null,
      status: result.status,
      error: result.error,
    };
    const delayMs = refused
      ? null
      : (retryAfter(result.retryAfter, clock.now(), options.backoff.maxMs) ??
        backoff(1, options.backoff, clock.random));
    await store.moveCallback(lease, {
      url: callbackUrl,
      // A `reseal` may have passed while it was on its way.
      headers: sealed === null ? null : Buffer.from(await keys.renew(sealed.toString())),
      delayMs,
      attempt,
    });
  }

  /** What is sent under a lease that ends meanwhile is sent twice, by whoever takes the row. */
  async function longEnough(lease: Lease, timeoutMs: number): Promise<boolean> {
    if (lease.endsAt - clock.monotonic() > timeoutMs + 1_000) return true;
    const [renewed] = await store.renew([lease]);
    return renewed !== null && renewed !== undefined;
  }

  async function deliverCancel(held: HeldOperation): Promise<void> {
    const { lease, head, operation } = held;
    const { endpoint, target, callerNamespace } = whereabouts(context, operation, head.targetId);
    const at = clock.now();
    // One that no worker took until its operation is forgotten is owed no longer. Under a lost lease the note is refused too.
    if (
      target?.kind === "queue" &&
      head.handlerToken !== null &&
      (await putDown.cancel(held, target.queueId)) === "written"
    )
      return;
    const n =
      (await store.attempts(lease.id)).filter((attempt) => attempt.kind === "cancel").length + 1;
    if (target?.kind !== "http" || head.handlerToken === null) {
      // Nothing on the other side that could be named: no token ever came, or the target is gone with its endpoint.
      const error =
        head.handlerToken === null
          ? "no handler token is known: nothing to cancel"
          : "no worker took the cancel, or its target is gone";
      await store.noteCancelDelivered(
        lease,
        { kind: "cancel", n, at, ms: 0, targetId: head.targetId, status: null, error },
        null,
      );
      return;
    }
    if (!(await longEnough(lease, options.requestTimeoutMs))) return;
    const from = clock.monotonic();
    const result = await sendCancel({
      target,
      ownerNs: operation.ownerNs,
      callerNamespace,
      endpoint: endpoint?.name ?? "",
      principal: operation.principal,
      service: operation.service,
      operation: operation.operation,
      handlerToken: head.handlerToken,
      timeoutMs: options.requestTimeoutMs,
    });
    const ms = Math.round(clock.monotonic() - from);
    metrics.attempts.inc({
      kind: "cancel",
      result: result.result === "acknowledged" ? "ok" : result.result,
    });
    metrics.attemptSeconds.observe("cancel", ms / 1_000);
    log.info(
      { operationId: lease.id, attempt: n, status: result.status, error: result.error },
      `cancel ${result.result}`,
    );
    const attempt: Attempt = {
      kind: "cancel",
      n,
      at,
      ms,
      targetId: target.id,
      status: result.status,
      error: result.error,
    };
    await store.noteCancelDelivered(
      lease,
      attempt,
      result.result === "retry" ? backoff(n, options.backoff, clock.random) : null,
    );
  }
}
