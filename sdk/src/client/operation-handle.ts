import type { GatewayAccess } from "../gateway-access.ts";
import type { HttpReply } from "../http-exchange.ts";
import { headerNames } from "../protocol/headers.ts";
import { awaitResult } from "../watch/await-result.ts";
import {
  watchOperation,
  type OperationEvents,
  type WatchOptions,
} from "../watch/watch-operation.ts";
import { send } from "./send.ts";

export interface ResultOptions {
  /** How long to wait, in ms; for the last answer at most 2,000 more. Default: for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The wait ended before the operation did. */
export class StillRunning extends Error {
  override readonly name = "StillRunning";
  readonly operationId: string;

  constructor(operationId: string) {
    super(`operation ${operationId} is still running`);
    this.operationId = operationId;
  }
}

export interface OperationHandle<Output> {
  /** Names the operation: to the API, the CLI and `client.handle`. */
  readonly operationId: string;
  /**
   * Waits for the end by long polls, for as long as `timeoutMs` and the signal allow: gateways that die or drain, cut
   * connections and a balancer's 502 to 504 only delay it. Of the client's `retry` the delays hold, not the number of
   * tries, except for 500, which a gateway may answer each time. Any other answer is final.
   *
   * @throws OperationError failed or canceled; HandlerError when the handler refused it, or the mesh this client (NOT_FOUND,
   * UNAUTHENTICATED, UNAUTHORIZED); StillRunning after `timeoutMs`, if a gateway said so at the last try; else, when that
   * time ends, what this try met: ConnectionFailed or HandlerError. The signal's reason.
   */
  result(options?: ResultOptions): Promise<Output>;
  /**
   * What happens to it, as it happens: first its history, then each state, attempt, reason to wait and progress, last the
   * outcome, which ends the iteration (`GET /v1/operations/{operationId}/events`, in the API's reference). States, attempts
   * and the outcome come without a gap and without a repeat, across reconnects; of progress and reasons to wait the newest.
   *
   * Survives what `result` survives. A `break` closes the connection, and so does the signal. Events are read as they are
   * asked for: what a slow loop has not taken waits at the gateway, not in this process.
   *
   * @throws HandlerError for an answer that is final (NOT_FOUND, UNAUTHENTICATED, UNAUTHORIZED) or a 500 at each of
   * `retry.attempts` tries in a row; the signal's reason.
   * @example
   * for await (const event of handle.watch())
   *   if (event.type === "progress") console.log(`${event.step} of ${event.of}`);
   */
  watch(options?: WatchOptions): OperationEvents;
  /** Asks the handler to cancel; resolves when the mesh has recorded it. The operation may still succeed. */
  cancel(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export function createOperationHandle(
  access: GatewayAccess,
  operationId: string,
  contract: { readonly cancelUrl: () => string; readonly outputOf: (reply: HttpReply) => unknown },
): OperationHandle<unknown> {
  return {
    operationId,
    async result({ timeoutMs = Infinity, signal } = {}) {
      const reply = await awaitResult(access, operationId, { timeoutMs, signal });
      if (reply.status === 200) return contract.outputOf(reply);
      if (reply.status === 202) throw new StillRunning(operationId);
      throw access.refusal(reply);
    },
    watch: (options) => watchOperation(access, operationId, options),
    async cancel({ signal } = {}) {
      const url = contract.cancelUrl();
      const headers = { [headerNames.operationToken]: operationId };
      const reply = await send(access, () => ({ url, headers }), { signal });
      if (reply.status !== 202) throw access.refusal(reply);
    },
  };
}
