import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { ApiError } from "../api-error.ts";
import type { StartReply, StartRequest } from "../engine.ts";
import { forwardedHeaders, headerBytes } from "../dispatch/forwarded-headers.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { Head, NewOperation } from "../store/store.ts";
import { uuidV7, uuidV7Time } from "../store/uuid-v7.ts";
import type { AttemptStart } from "./attempt-start.ts";
import { durationHeader, operationDeadlines } from "./deadlines.ts";
import { executionKey, inputHash } from "./execution-key.ts";
import { createInlineWait } from "./inline-wait.ts";
import { isTerminal } from "./lifecycle.ts";

export type StartDurable = (request: StartRequest) => Promise<StartReply>;

/** Committed first, then dispatched (architecture.md, "Durable"). */
export function createStartDurable(
  context: GatewayContext,
  parts: {
    attemptStart: AttemptStart;
    background: (work: Promise<void>) => void;
    remember: (operation: NewOperation) => void;
  },
): StartDurable {
  const { clock, egress, keys, metrics, store } = context;

  return async (request) => {
    const { endpoint, callbackUrl } = request;
    const callerNs = request.caller.namespace.id;
    if (callbackUrl !== null) checkCallbackUrl(callerNs, callbackUrl);
    const { headers, content } = forwardedHeaders(request.headers);
    const now = clock.now();
    const deadlines = operationDeadlines(request.headers, endpoint.policy, now);
    const requestTimeout = durationHeader(request.headers, headerNames.requestTimeout);
    const sealedCallbackHeaders =
      callbackUrl === null || Object.keys(request.callbackHeaders).length === 0
        ? null
        : Buffer.from(await keys.seal(Buffer.from(JSON.stringify(request.callbackHeaders))));
    const { requestId, body } = request;
    const key = executionKey({
      callerNs,
      endpointId: endpoint.id,
      service: request.service,
      operation: request.operation,
      requestId,
    });
    const operation: NewOperation = {
      id: uuidV7(now),
      key,
      callerNs,
      ownerNs: endpoint.ownerId,
      endpointId: endpoint.id,
      targetId: endpoint.target.id,
      inputHash: inputHash({ requestId, key, body }, content, digestHeader(request)),
      service: request.service,
      operation: request.operation,
      requestId: request.requestId,
      principal: request.caller.principal.subject,
      labels: null,
      headers: headerBytes(headers),
      callbackUrl,
      callbackHeaders: sealedCallbackHeaders,
      ...deadlines,
      dedupeWindowMs: endpoint.policy.dedupeWindowMs,
      contentHeaders: headerBytes(content),
      input: request.body,
      redriveOf: request.redriveOf ?? null,
      priority: null,
      initial: { kind: "scheduled" },
    };
    const accepted = await store.accept(operation);
    if (accepted.kind === "known") return knownReply(accepted.head, operation);
    metrics.starts.inc({ endpoint: endpoint.name, mode: "durable", outcome: "started" });
    const id = operation.id;
    const { lease } = accepted;
    if (lease === null)
      throw new Error(`operation ${id} was accepted as scheduled without a lease`);
    parts.remember(operation);
    const head = {
      state: "scheduled",
      attempt: 0,
      owes: 0,
      targetId: operation.targetId,
      closeBy: operation.closeBy,
      handlerToken: null,
      cancelRequestedAt: null,
    } as const;
    const waitMs = Math.min(
      endpoint.policy.inlineWaitMs,
      requestTimeout === null ? Infinity : requestTimeout - 1_000,
    );
    if (request.respondAsync || waitMs <= 0) {
      parts.background(parts.attemptStart({ lease, operation, head }, null));
      return { kind: "started", id, created: true, links: [] };
    }
    const inline = createInlineWait(waitMs);
    parts.background(parts.attemptStart({ lease, operation, head }, inline));
    const reply = await inline.reply;
    if (reply.kind === "unknown") throw reply.error;
    if (reply.kind === "ended") return { kind: "ended", id, created: true, outcome: reply.outcome };
    return {
      kind: "started",
      id,
      created: true,
      links: reply.links === undefined ? [] : [reply.links],
    };
  };

  /** The key is known: answered by state, and the new caller's callback is attached as well (sdk-java #2918). */
  async function knownReply(first: Head, operation: NewOperation): Promise<StartReply> {
    assertSameInput(first, operation);
    if (!isTerminal(first.state)) {
      if (operation.callbackUrl === null)
        return { kind: "started", id: first.id, created: false, links: [] };
      const attached = await store.attach(
        first.key,
        first.id,
        operation.callbackUrl,
        operation.callbackHeaders,
      );
      if (attached === "attached")
        return { kind: "started", id: first.id, created: false, links: [] };
    }
    const outcome = await store.outcome(first.id);
    if (outcome === undefined) {
      // Its dedupe window closed between the two statements: the caller's repeat starts it anew.
      throw new ApiError(
        "STORE_UNAVAILABLE",
        `operation ${first.id} was being forgotten just now; send the start again`,
      );
    }
    return { kind: "ended", id: first.id, created: false, outcome };
  }

  function checkCallbackUrl(callerNs: number, text: string): void {
    if (!URL.canParse(text)) throw invalidCallback(text);
    const url = new URL(text);
    if (url.username !== "" || url.password !== "" || url.hash !== "") throw invalidCallback(text);
    egress.check(callerNs, url, "INVALID_CALLBACK_URL");
  }
}

export function assertSameInput(
  head: Head,
  operation: Pick<NewOperation, "inputHash" | "requestId">,
): void {
  if (head.inputHash === operation.inputHash) return;
  const when = new Date(uuidV7Time(head.id)).toISOString();
  throw new ApiError(
    "REQUEST_ID_REUSED",
    `request id ${JSON.stringify(operation.requestId)} was used at ${when} with other input, by operation ${head.id}`,
    {
      hint: "Use a new request id for new input; a repeat must send the same bytes and content type (or the same Nexus-Mesh-Input-Digest)",
      violations: [
        {
          pointer: `header:${headerNames.requestId}`,
          rule: "same-input",
          detail: `first used by operation ${head.id}`,
        },
      ],
      members: { operationId: head.id },
    },
  );
}

export function digestHeader(request: Pick<StartRequest, "headers">): string | undefined {
  return request.headers[headerNames.inputDigest];
}

function invalidCallback(text: string): ApiError {
  return new ApiError(
    "INVALID_CALLBACK_URL",
    `callback: ${JSON.stringify(text.slice(0, 200))} is not a URL that can be called`,
    {
      hint: "Give an absolute https URL without user name, password and fragment",
      violations: [{ pointer: "query:callback", rule: "url", detail: "must be an absolute URL" }],
    },
  );
}
