import type { GatewayAccess } from "../gateway-access.ts";
import { ConnectionFailed, httpExchange, type HttpReply } from "../http-exchange.ts";
import { decodeErrorResponse } from "../protocol/failure-response.ts";
import { askedDelay, withRetries, type RetryLimits } from "../retry.ts";

export interface RepeatableRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs?: number;
}

/** POSTs what may arrive twice: of a start, the same request id attaches. `request` is asked anew for each try. */
export function send(
  access: GatewayAccess,
  request: () => RepeatableRequest,
  limits: RetryLimits,
): Promise<HttpReply> {
  return withRetries(
    async () => {
      const { headers, timeoutMs = access.requestTimeoutMs, ...rest } = request();
      return httpExchange({
        ...rest,
        method: "POST",
        headers: { ...headers, ...(await access.headers()) },
        timeoutMs,
        signal: limits.signal,
        dispatcher: access.dispatcher,
      });
    },
    (tried) => {
      if ("error" in tried) return tried.error instanceof ConnectionFailed && 0;
      const { result } = tried;
      return (
        [429, 502, 503, 504, 520].includes(result.status) && retryable(result) && askedDelay(result)
      );
    },
    access.retry,
    limits,
  );
}

function retryable(reply: HttpReply): boolean {
  const decoded = decodeErrorResponse(reply);
  return decoded.kind !== "operation-error" && decoded.retryable;
}
