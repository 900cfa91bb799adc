import type { GatewayAccess } from "../gateway-access.ts";
import { httpExchange, type HttpReply } from "../http-exchange.ts";
import { formatDuration } from "../protocol/duration.ts";
import { encodeSegment } from "../protocol/path.ts";
import { backoffMs } from "../retry.ts";
import { createReconnects, interruptionBy, interruptionIn, pause } from "./reconnects.ts";

/** One long poll, in ms; the gateway's own limit is 60,000, and what lies in between often cuts at that. */
const pollMs = 30_000;
/** Beyond the whole time, for the last answer, in ms. */
const graceMs = 2_000;

/**
 * Asks by long polls until the operation has ended or the time is up, across dead and draining gateways, cut connections
 * and what balancers answer for them. The reply is final: the result (200), the failure (424), a refusal, or 202 for an
 * operation that goes on after `timeoutMs`.
 * @throws what the last try met when the time ends before a gateway answers; InvalidRequest, or the signal's reason.
 */
export async function awaitResult(
  access: GatewayAccess,
  operationId: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<HttpReply> {
  const endsAt = performance.now() + timeoutMs;
  const reconnects = createReconnects(access.retry, { signal, endsAt });
  const url = `${access.base}/v1/operations/${encodeSegment(operationId)}/result`;

  async function poll(waitMs: number): Promise<HttpReply> {
    return httpExchange({
      method: "GET",
      url: `${url}?wait=${formatDuration(waitMs)}`,
      headers: await access.headers(),
      timeoutMs: Math.min(
        waitMs + access.requestTimeoutMs,
        Math.max(0, endsAt - performance.now()) + graceMs,
      ),
      signal,
      dispatcher: access.dispatcher,
    });
  }

  let early = 0;
  for (;;) {
    const from = performance.now();
    const waitMs = Math.max(0, Math.min(endsAt - from, pollMs));
    const tried = await poll(waitMs).catch(interruptionBy);
    const interruption = "error" in tried ? tried : interruptionIn(tried, access.refusal);
    if (interruption !== undefined) {
      // A poll that was cut after a good while is no sign of an outage.
      if (interruption.counted !== true && performance.now() - from > pollMs / 3)
        reconnects.reset();
      await reconnects.after(interruption);
    } else if ("status" in tried) {
      if (tried.status !== 202 || performance.now() >= endsAt) return tried;
      reconnects.reset();
      // A gateway that drains says "not yet" at once, to each poll until it is gone.
      early = performance.now() - from < waitMs / 2 ? early + 1 : 0;
      if (early > 0) {
        const left = endsAt - performance.now();
        await pause(Math.max(0, Math.min(backoffMs(early, access.retry ?? {}), left)), signal);
      }
    }
  }
}
