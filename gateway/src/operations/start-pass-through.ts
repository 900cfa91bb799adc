import type { Endpoint } from "@nexus-mesh/registry/registry";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { Counter } from "prom-client";
import { ApiError } from "../api-error.ts";
import type { PassThroughClaims } from "../callbacks/completion-token.ts";
import type { PassThroughRequest } from "../engine.ts";
import { ExchangeFailed, type ExchangeReply, type Waiting } from "../dispatch/exchange.ts";
import {
  allForwardedHeaders,
  forwardedHeaders,
  headerBytes,
} from "../dispatch/forwarded-headers.ts";
import { readStartReply, type SendStart, type StartDispatch } from "../dispatch/start-attempt.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { OutcomeRow } from "../store/store.ts";
import { uuidV7 } from "../store/uuid-v7.ts";
import { durationHeader, operationDeadlines } from "./deadlines.ts";
import { executionKey, inputHash } from "./execution-key.ts";
import type { InFlight } from "./in-flight.ts";
import { isTerminal } from "./lifecycle.ts";
import { assertSameInput, digestHeader } from "./start-durable.ts";

/** `reply`: the handler's own answer, byte for byte. */
export type PassThroughReply =
  | { readonly kind: "reply"; readonly reply: ExchangeReply }
  | { readonly kind: "started"; readonly id: string; readonly links: string | undefined }
  | { readonly kind: "ended"; readonly outcome: OutcomeRow };

export type StartPassThrough = (
  request: PassThroughRequest,
  waiting: Waiting,
) => Promise<PassThroughReply>;

/** A completion token must end some time, for its key must be remembered as long. */
const longestTokenMs = 30 * 86_400_000;
const sendsAtMost = 2;
/** What takes longer is asynchronous; and a timer can hold no more than 2^31 - 1 ms. */
const longestRequestMs = 10 * 60_000;

/** Straight to the handler; only its 201 is written, before the caller hears of it. */
export function createStartPassThrough(
  context: GatewayContext,
  { sendStart, passing }: { sendStart: SendStart; passing: InFlight },
): StartPassThrough {
  const { clock, log, metrics, options, store } = context;
  /** Finding a counter by its labels takes longer than counting. */
  const succeeded = new Map<string, Counter.Internal>();
  const countStart = (endpoint: string, outcome: string): void => {
    let counter = outcome === "succeeded" ? succeeded.get(endpoint) : undefined;
    if (counter === undefined) {
      counter = metrics.starts.labels(endpoint, "pass_through", outcome);
      if (outcome === "succeeded") succeeded.set(endpoint, counter);
    }
    counter.inc();
  };

  return async (request, waiting) => {
    passing.enter();
    try {
      return await pass(request, waiting);
    } finally {
      passing.leave();
    }
  };

  async function pass(request: PassThroughRequest, waiting: Waiting): Promise<PassThroughReply> {
    const { endpoint, caller } = request;
    const now = clock.now();
    const deadlines = operationDeadlines(request.headers, endpoint.policy, now);
    const timeoutMs = Math.min(
      durationHeader(request.headers, headerNames.requestTimeout) ?? options.requestTimeoutMs,
      longestRequestMs,
    );
    const startToClose =
      deadlines.startToCloseMs === null ? Infinity : now + deadlines.startToCloseMs;
    const { requestId, body } = request;
    const key = executionKey({
      callerNs: caller.namespace.id,
      endpointId: endpoint.id,
      service: request.service,
      operation: request.operation,
      requestId,
    });
    const claims: PassThroughClaims = {
      key,
      callerNs: caller.namespace.id,
      ownerNs: endpoint.ownerId,
      endpointId: endpoint.id,
      targetId: endpoint.target.id,
      service: request.service,
      operation: request.operation,
      requestId: request.requestId,
      inputHash: inputHash({ requestId, key, body }, request.headers, digestHeader(request)),
      principal: caller.principal.subject,
      closeBy: Math.min(deadlines.closeBy ?? Infinity, startToClose, now + longestTokenMs),
    };
    const { target } = endpoint;
    if (target.kind !== "http")
      throw new Error(`endpoint ${endpoint.name} has no target that a call could pass through to`);
    const dispatch: StartDispatch = {
      target,
      ownerNs: endpoint.ownerId,
      callerNamespace: caller.namespace.name,
      endpoint: endpoint.name,
      principal: caller.principal.subject,
      service: request.service,
      operation: request.operation,
      key: claims.key,
      requestId: request.requestId,
      completion: { kind: "pass-through", claims },
      headers: allForwardedHeaders(request.headers),
      body: request.body,
      timeoutMs,
      operationTimeoutMs: claims.closeBy - now,
      failureSupport: request.headers[headerNames.failureSupport] === "true",
      waiting,
    };
    const from = clock.monotonic();
    let reply: ExchangeReply | undefined;
    for (let sends = 1; reply === undefined; sends += 1) {
      try {
        reply = await sendStart(dispatch);
      } catch (error) {
        sendAgain(error, sends);
      }
    }
    // What nearly every answer is; nothing in it has to be read.
    const plain = reply.status === 200 && reply.headers[headerNames.link] === undefined;
    const attempt = plain ? plainSuccess : readStartReply(reply);
    metrics.attemptSeconds.observe("start", (clock.monotonic() - from) / 1_000);
    countStart(endpoint.name, attempt.kind);
    if (attempt.kind === "started") return insert(attempt.token, attempt.links);
    if (attempt.kind === "retry" && !isNexusReply(reply)) {
      throw new ApiError(
        "HANDLER_TIMEOUT",
        `the handler of endpoint ${JSON.stringify(endpoint.name)} answered ${reply.status}, which is no Nexus answer`,
      );
    }
    return { kind: "reply", reply };

    /** The same request again if no byte of it was sent: after that, running it twice is the caller's decision. */
    function sendAgain(error: unknown, sends: number): void {
      if (!(error instanceof ExchangeFailed)) throw error;
      if (!error.sent && !error.timedOut && !waiting.gone() && sends < sendsAtMost) return;
      log.warn(
        { endpoint: endpoint.name, sent: error.sent, error: error.message },
        "pass-through call got no reply",
      );
      throw noReply(endpoint, error);
    }

    async function insert(
      handlerToken: string,
      links: string | undefined,
    ): Promise<PassThroughReply> {
      const { headers, content } = forwardedHeaders(request.headers);
      const accepted = await store.accept({
        ...claims,
        id: uuidV7(clock.now()),
        labels: null,
        headers: headerBytes(headers),
        callbackUrl: null,
        callbackHeaders: null,
        startBy: null,
        startToCloseMs: deadlines.startToCloseMs,
        dedupeWindowMs: endpoint.policy.dedupeWindowMs,
        contentHeaders: headerBytes(content),
        input: request.body,
        redriveOf: null,
        priority: null,
        initial: { kind: "started", handlerToken },
      });
      if (accepted.kind === "created") return { kind: "started", id: accepted.id, links };
      // The row found decides: the completion may have been faster, or a repeat came through another gateway.
      assertSameInput(accepted.head, claims);
      if (isTerminal(accepted.head.state)) {
        const outcome = await store.outcome(accepted.head.id);
        if (outcome !== undefined) return { kind: "ended", outcome };
      }
      return { kind: "started", id: accepted.head.id, links };
    }
  }
}

const plainSuccess = { kind: "succeeded" } as const;

function noReply(endpoint: Endpoint, error: ExchangeFailed): ApiError {
  const handler = `the handler of endpoint ${JSON.stringify(endpoint.name)}`;
  if (error.sent) {
    const why = error.timedOut ? error.message : "its connection ended";
    return new ApiError("HANDLER_TIMEOUT", `${handler} did not answer: ${why}`, {
      hint: "It may have run: repeat with the same request id",
      cause: error,
    });
  }
  return new ApiError("HANDLER_UNREACHABLE", `${handler} can't be reached`, {
    hint: `Ask its owner, namespace ${endpoint.owner}, whether the target is up`,
    cause: error,
  });
}

/** 502, 504 or a page of HTML say something about a proxy in between, nothing about the operation. */
function isNexusReply(reply: ExchangeReply): boolean {
  const decoded = readStartReply(reply);
  return decoded.kind !== "retry" || !decoded.error.includes("which no Nexus handler does");
}
