import { defaultEndpointPolicy } from "@nexus-mesh/registry/registry";
import { ApiError } from "../api-error.ts";
import type { CompletionToken, PassThroughClaims } from "../callbacks/completion-token.ts";
import { headerBytes } from "../dispatch/forwarded-headers.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { NewOperation, NewOutcome, OperationRow, Settled } from "../store/store.ts";
import { uuidV7 } from "../store/uuid-v7.ts";
import type { DeliverOwed } from "./deliver-owed.ts";
import { outcomeRow, type SettleOperation } from "./settle-operation.ts";

/** Resolves when the handler may be told 200: the outcome is committed. */
export type CompleteOperation = (token: CompletionToken, outcome: NewOutcome) => Promise<void>;

export function createCompleteOperation(
  context: GatewayContext,
  parts: {
    settle: SettleOperation;
    deliverOwed: DeliverOwed;
    background: (work: Promise<void>) => void;
    recall: (id: string) => OperationRow | undefined;
  },
): CompleteOperation {
  const { clock, crash, metrics, registry, store } = context;

  return async (token, outcome) => {
    const settled =
      token.kind === "durable"
        ? await settleDurable(token, outcome)
        : await settlePassThrough(token.claims, outcome);
    crash("complete:committed");
    switch (settled.kind) {
      case "settled":
        metrics.completions.inc({ result: "settled" });
        if (settled.lease !== null) parts.background(deliver(settled, outcome));
        return;
      case "already":
        // The reply to the first one may have been lost: the same bytes again are welcome, anything else is late.
        metrics.completions.inc({
          result: settled.digest === outcome.digest ? "repeated" : "late",
        });
        if (settled.digest === outcome.digest) return;
        throw new ApiError(
          "COMPLETION_TOO_LATE",
          `operation ${settled.head.id} has ended as ${settled.head.state}`,
          { members: { operationId: settled.head.id } },
        );
      case "unknown":
      case "stale":
        metrics.completions.inc({ result: "unknown" });
        throw new ApiError(
          "OPERATION_NOT_FOUND",
          "the operation of this callback token is not known any more",
        );
    }
  };

  async function settleDurable(
    token: CompletionToken & { kind: "durable" },
    outcome: NewOutcome,
  ): Promise<Settled> {
    const endpointId = parts.recall(token.id)?.endpointId ?? 0;
    return parts.settle({ ...request(outcome, endpointId), key: token.key, id: token.id });
  }

  /** Its row may not be there: the completion can overtake the 201, or the gateway died between the two. */
  async function settlePassThrough(
    claims: PassThroughClaims,
    outcome: NewOutcome,
  ): Promise<Settled> {
    const head = await store.head(claims.key);
    if (head !== undefined)
      return parts.settle({ ...request(outcome, claims.endpointId), key: claims.key, id: head.id });
    // Its key need not be remembered any longer: what comes now could make a purged operation anew.
    if (claims.closeBy <= clock.now()) return { kind: "unknown" };
    const accepted = await store.accept(settledOperation(claims, outcome));
    if (accepted.kind === "known") {
      return parts.settle({
        ...request(outcome, claims.endpointId),
        key: claims.key,
        id: accepted.head.id,
      });
    }
    const created = await store.head(claims.key);
    if (created === undefined) return { kind: "unknown" };
    return { kind: "settled", owes: 0, lease: null, head: created };
  }

  function settledOperation(claims: PassThroughClaims, outcome: NewOutcome): NewOperation {
    return {
      ...claims,
      id: uuidV7(clock.now()),
      labels: null,
      headers: headerBytes({}),
      callbackUrl: null,
      callbackHeaders: null,
      startBy: null,
      startToCloseMs: null,
      dedupeWindowMs: window(claims.endpointId),
      // Never `{}`: empty says that the input was not seen.
      contentHeaders: Buffer.alloc(0),
      input: Buffer.alloc(0),
      redriveOf: null,
      priority: null,
      initial: { kind: "settled", outcome },
    };
  }

  function request(outcome: NewOutcome, endpointId: number) {
    return {
      holder: null,
      outcome,
      takenInline: false,
      owesCancel: false,
      endpointId,
    };
  }

  function window(endpointId: number): number {
    return (registry.snapshot().endpointsById.get(endpointId)?.policy ?? defaultEndpointPolicy)
      .dedupeWindowMs;
  }

  async function deliver(
    settled: Settled & { kind: "settled" },
    outcome: NewOutcome,
  ): Promise<void> {
    const { head, lease } = settled;
    if (lease === null) return;
    const operation = parts.recall(head.id) ?? (await store.operation(head.id));
    if (operation === undefined) throw new Error(`operation ${head.id} was settled and has no row`);
    await parts.deliverOwed(
      { lease, operation, head },
      outcomeRow(head.key, head.id, outcome, head.closedAt ?? clock.now()),
    );
  }
}
