import { decodeErrorResponse } from "@nexus-mesh/sdk/protocol/failure-response";
import { ExchangeFailed, exchange } from "../dispatch/exchange.ts";
import { crashOnceSent } from "../crash-points.ts";
import { targetAddress } from "../dispatch/target-address.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { OperationRow, OutcomeRow } from "../store/store.ts";
import { uuidV7Time } from "../store/uuid-v7.ts";
import { completionRequest } from "./completion-request.ts";

/** `refused`: a non-retryable handler error, the receiver will not take it; a person may redeliver. */
export interface CallbackAttempt {
  readonly result: "delivered" | "retry" | "refused";
  readonly status: number | null;
  readonly error: string | null;
  readonly retryAfter: string | undefined;
}

export type SendCallback = (callback: {
  readonly url: string;
  readonly sealedHeaders: Buffer | null;
  readonly operation: OperationRow;
  readonly outcome: OutcomeRow;
}) => Promise<CallbackAttempt>;

export function createSendCallback(context: GatewayContext): SendCallback {
  const { clock, crash, egress, keys, options } = context;
  const onSent = crashOnceSent(crash, "callback:sent");
  return async ({ url, sealedHeaders, operation, outcome }) => {
    const address = targetAddress(url);
    const request = completionRequest({
      outcome,
      startedAt: uuidV7Time(operation.id),
      callbackHeaders: sealedHeaders === null ? {} : await openHeaders(sealedHeaders),
      secrets: await keys.callbackSecrets(operation.callerNs),
      now: clock.now(),
    });
    try {
      const reply = await exchange({
        dispatcher: egress.dispatcher(operation.callerNs),
        origin: address.origin,
        path: address.whole,
        headers: request.headers,
        body: request.body,
        timeoutMs: options.callbackTimeoutMs,
        maxBytes: 64 * 1024,
        onSent,
      });
      if (reply.status >= 200 && reply.status < 300) {
        crash("callback:acknowledged");
        return { result: "delivered", status: reply.status, error: null, retryAfter: undefined };
      }
      const decoded = decodeErrorResponse({
        status: reply.status,
        headers: reply.headers,
        body: reply.body,
      });
      const refused = decoded.kind === "handler-error" && !decoded.retryable;
      return {
        result: refused ? "refused" : "retry",
        status: reply.status,
        error: `the receiver answered ${reply.status}`,
        retryAfter: reply.headers["retry-after"],
      };
    } catch (error) {
      if (error instanceof ExchangeFailed)
        return {
          result: "retry",
          status: null,
          error: error.message.slice(0, 500),
          retryAfter: undefined,
        };
      throw error;
    }
  };

  async function openHeaders(sealed: Buffer): Promise<Record<string, string>> {
    // Sealed by this mesh at accept: the shape is ours.
    return JSON.parse(Buffer.from(await keys.open(sealed.toString())).toString()) as Record<
      string,
      string
    >;
  }
}
