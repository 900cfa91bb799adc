import { operationErrorFailureType, parseFailure } from "@nexus-mesh/sdk/protocol/failure";
import { causeBytes } from "@nexus-mesh/sdk/protocol/failure-bytes";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { formatRfc3339, formatHttpDate } from "@nexus-mesh/sdk/protocol/timestamps";
import { completionId, headerDigest, signV1 } from "@nexus-mesh/sdk/protocol/webhook-signature";
import { completionTokenHeader } from "./completion-token.ts";
import { headersFromBytes } from "../dispatch/forwarded-headers.ts";
import { wireState } from "../operations/outcome.ts";
import type { OutcomeRow } from "../store/store.ts";

/** A caller must not be able to set these through its callback headers: it could forge the outcome it receives. */
const reserved = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "proxy-authorization",
  "proxy-connection",
]);
const reservedPrefixes = ["nexus-", "content-", "webhook-"];

export interface CompletionRequest {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** The reverse of Go's order: the caller's own headers first, protocol and content headers over them (pitfall 21). */
export function completionRequest(completion: {
  readonly outcome: OutcomeRow;
  readonly startedAt: number;
  readonly callbackHeaders: Readonly<Record<string, string>>;
  readonly secrets: readonly Buffer[];
  readonly now: number;
}): CompletionRequest {
  const { outcome } = completion;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(completion.callbackHeaders)) {
    const lower = name.toLowerCase();
    const own =
      !reserved.has(lower) && !reservedPrefixes.some((prefix) => lower.startsWith(prefix));
    // The token of a mesh that stands before this one: it names nothing of this outcome.
    if (own || lower === completionTokenHeader) headers[lower] = value;
  }
  const state = wireState(outcome.state);
  const { [headerNames.link]: links, ...stored } = headersFromBytes(outcome.headers);
  const content = outcome.result === null ? { "content-type": "application/json" } : stored;
  const body = outcome.result ?? failureBody(outcome.failure ?? Buffer.from("{}"));
  Object.assign(headers, content);
  if (links !== undefined) headers[headerNames.link] = links;
  headers[headerNames.operationState] = state;
  headers[headerNames.operationToken] = outcome.id;
  headers[headerNames.startTime] = formatHttpDate(new Date(completion.startedAt));
  headers[headerNames.closeTime] = formatRfc3339(new Date(outcome.closedAt));
  const id = completionId({
    operationId: outcome.id,
    n: 1,
    state,
    digest: headerDigest(outcome.id, content),
  });
  const timestamp = Math.floor(completion.now / 1_000);
  headers["webhook-id"] = id;
  headers["webhook-timestamp"] = String(timestamp);
  headers["webhook-signature"] = completion.secrets
    .map((secret) => signV1(secret, id, timestamp, body))
    .join(" ");
  return { headers, body };
}

/** Of an operation error its cause alone, unconditionally: a callback has no request whose support header could be asked. */
function failureBody(failure: Buffer): Buffer {
  const type = parseFailure(failure)?.metadata?.["type"];
  return type === operationErrorFailureType ? (causeBytes(failure) ?? failure) : failure;
}
