import type { GatewayContext } from "../gateway-context.ts";
import type { Lease, NewOutcome, OutcomeRow, Settled } from "../store/store.ts";
import type { Watches } from "./watches.ts";

export interface SettleRequest {
  readonly key: string;
  readonly id: string;
  /** The holder's lease, or null: a completion, a deadline, a person. */
  readonly holder: Lease | null;
  /** The outcome is the reply to an attempt of the holder. */
  readonly attempted?: boolean;
  readonly outcome: NewOutcome;
  readonly takenInline: boolean;
  readonly owesCancel: boolean;
  readonly endpointId: number;
}

export type SettleOperation = (request: SettleRequest) => Promise<Settled>;

/** The terminal transition with what goes with it in this process: log line, metric, who watches. */
export function createSettleOperation(
  context: GatewayContext,
  watches: Pick<Watches, "ended">,
): SettleOperation {
  const { log, metrics, registry, store } = context;
  return async (request) => {
    const settled = await store.settle({
      key: request.key,
      id: request.id,
      by:
        request.holder === null
          ? { kind: "anyone" }
          : {
              kind: "holder",
              fence: request.holder.fence,
              attempted: request.attempted === true,
            },
      outcome: request.outcome,
      takenInline: request.takenInline,
      owesCancel: request.owesCancel,
    });
    if (settled.kind === "settled") {
      const endpoint =
        registry.snapshot().endpointsById.get(request.endpointId)?.name ??
        String(request.endpointId);
      metrics.operationsEnded.inc({ endpoint, state: request.outcome.state });
      log.info(
        { operationId: request.id, endpoint, state: request.outcome.state },
        "operation ended",
      );
    }
    if (settled.kind === "settled" || settled.kind === "already") watches.ended(request.id);
    return settled;
  };
}

/** What was written, as it would be read back. */
export function outcomeRow(
  key: string,
  id: string,
  outcome: NewOutcome,
  closedAt: number,
): OutcomeRow {
  return { ...outcome, key, id, closedAt };
}
