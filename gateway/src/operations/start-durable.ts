import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { ApiError } from "../api-error.ts";
import type { StartReply, StartRequest } from "../engine.ts";
import { forwardedHeaders, headerBytes } from "../dispatch/forwarded-headers.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { owes, type Head, type Lease, type NewOperation } from "../store/store.ts";
import { uuidV7, uuidV7Time } from "../store/uuid-v7.ts";
import type { AttemptStart } from "./attempt-start.ts";
import { durationHeader, operationDeadlines } from "./deadlines.ts";
import { executionKey, inputHash } from "./execution-key.ts";
import { createInlineWait, type InlineReply, type InlineWait } from "./inline-wait.ts";
import { isTerminal } from "./lifecycle.ts";
import type { PutDownTasks } from "./put-down.ts";
import type { QueuePolls } from "./queue-polls.ts";
import { taskPriority } from "./task-priority.ts";
import type { Watches } from "./watches.ts";

export type StartDurable = (request: StartRequest) => Promise<StartReply>;

/** Committed first, then dispatched (architecture.md, "Durable"). */
export function createStartDurable(
  context: GatewayContext,
  parts: {
    attemptStart: AttemptStart;
    polls: Pick<QueuePolls, "reserve" | "filled">;
    putDown: Pick<PutDownTasks, "giveBack">;
    inlineWaits: Map<string, InlineWait>;
    watches: Pick<Watches, "wait">;
    background: (work: Promise<void>) => void;
    remember: (operation: NewOperation) => void;
  },
): StartDurable {
  const { clock, crash, egress, keys, metrics, store } = context;

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
      priority: endpoint.target.kind === "queue" ? taskPriority(request.headers) : null,
      initial: { kind: "scheduled" },
    };
    const waitMs = Math.min(
      endpoint.policy.inlineWaitMs,
      requestTimeout === null ? Infinity : requestTimeout - 1_000,
    );
    const { target } = endpoint;
    if (target.kind === "queue")
      return startQueued(
        operation,
        target.queueId,
        endpoint.name,
        request.respondAsync ? 0 : waitMs,
      );
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
      closedAt: null,
    } as const;
    if (request.respondAsync || waitMs <= 0) {
      parts.background(parts.attemptStart({ lease, operation, head }, null));
      return { kind: "started", id, created: true, links: [] };
    }
    const inline = createInlineWait(waitMs);
    parts.background(parts.attemptStart({ lease, operation, head }, inline));
    return replyOf(id, await inline.reply);
  };

  /** To a worker that waits here, in the commit that accepts it; else into the queue. */
  async function startQueued(
    operation: NewOperation,
    queueId: number,
    endpoint: string,
    waitMs: number,
  ): Promise<StartReply> {
    const { id } = operation;
    const reserved = parts.polls.reserve(queueId);
    const inline = waitMs > 0 ? createInlineWait(waitMs) : undefined;
    const done = new AbortController();
    // Before the commit: a worker may answer before this gateway has heard of it.
    if (inline !== undefined) parts.inlineWaits.set(id, inline);
    if (reserved !== undefined) crash("hand-off:before-commit");
    try {
      const accepted = await store
        .accept({
          ...operation,
          initial:
            reserved === undefined
              ? { kind: "queued", queueId }
              : { kind: "leased", queueId, worker: reserved.worker, leaseMs: reserved.leaseMs },
        })
        .catch((error: unknown) => {
          reserved?.cancel();
          throw error;
        });
      if (accepted.kind === "known") {
        reserved?.cancel();
        return await knownReply(accepted.head, operation);
      }
      metrics.starts.inc({ endpoint, mode: "durable", outcome: "started" });
      parts.remember(operation);
      const { lease } = accepted;
      if (reserved === undefined || lease === null) parts.polls.filled(queueId);
      else {
        crash("hand-off:after-commit");
        const head = leasedHead(operation, lease);
        const task = { kind: "start", lease, head, operation } as const;
        if (!reserved.deliver(task)) parts.background(parts.putDown.giveBack([task], queueId));
      }
      if (inline === undefined) return { kind: "started", id, created: true, links: [] };
      if (operation.callbackUrl === null)
        parts.background(answerWhenEnded(operation, inline, waitMs, done.signal));
      return replyOf(id, await inline.reply);
    } finally {
      done.abort();
      parts.inlineWaits.delete(id);
      inline?.answer({ kind: "started", links: undefined });
    }
  }

  /** The worker's answer may come to another gateway; without a callback to be owed, its outcome is as good from there. */
  async function answerWhenEnded(
    { key, id }: NewOperation,
    inline: InlineWait,
    ms: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (!(await parts.watches.wait({ key, id }, ms, signal))) return;
    const outcome = await store.outcome(id);
    if (outcome !== undefined && inline.claim()) inline.answer({ kind: "ended", outcome });
  }

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

function replyOf(id: string, reply: InlineReply): StartReply {
  switch (reply.kind) {
    case "unknown":
      throw reply.error;
    case "ended":
      return { kind: "ended", id, created: true, outcome: reply.outcome };
    case "started":
      return {
        kind: "started",
        id,
        created: true,
        links: reply.links === undefined ? [] : [reply.links],
      };
  }
}

/** As it was written a moment ago. */
function leasedHead(operation: NewOperation, { fence }: Lease): Head {
  const { key, id, callerNs, ownerNs, endpointId, inputHash, targetId, closeBy } = operation;
  return {
    key,
    id,
    callerNs,
    ownerNs,
    endpointId,
    inputHash,
    targetId,
    closeBy,
    state: "started",
    fence,
    attempt: 1,
    owes: operation.callbackUrl === null ? 0 : owes.callback,
    dueAt: 0,
    handlerToken: null,
    cancelRequestedAt: null,
    closedAt: null,
  };
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
