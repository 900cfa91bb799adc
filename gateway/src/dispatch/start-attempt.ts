import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { formatDuration } from "@nexus-mesh/sdk/protocol/duration";
import { startPath } from "@nexus-mesh/sdk/protocol/path";
import { decodeStartResponse } from "@nexus-mesh/sdk/protocol/start-response";
import type { HttpTarget } from "@nexus-mesh/registry/registry";
import {
  createCompletionTokens,
  completionTokenHeader,
  type CompletionToken,
} from "../callbacks/completion-token.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { operationErrorFailure } from "../operations/outcome.ts";
import type { CallerIdentity } from "../identity/caller-identity.ts";
import { crashOnceSent } from "../crash-points.ts";
import { ExchangeFailed, exchange, type ExchangeReply, type Waiting } from "./exchange.ts";
import { pathAt, targetAddress } from "./target-address.ts";

export interface StartDispatch {
  readonly target: HttpTarget;
  readonly ownerNs: number;
  readonly callerNamespace: string;
  readonly endpoint: string;
  readonly principal: string;
  readonly service: string;
  readonly operation: string;
  readonly key: string;
  readonly requestId: string | null;
  readonly completion: CompletionToken;
  /** The caller's, content headers included. The mesh's own are added to this very object. */
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  readonly timeoutMs: number;
  /** Remaining time of the whole operation; null = none. */
  readonly operationTimeoutMs: number | null;
  /** Whole failures are asked for wherever they are stored; a pass-through asks as its caller did. */
  readonly failureSupport: boolean;
  readonly waiting?: Waiting;
}

/** What one try at a start came to. `retry` covers all that is not a final answer. */
export type StartAttempt =
  | {
      readonly kind: "succeeded";
      readonly content: Record<string, string>;
      readonly body: Buffer;
      readonly links: string | undefined;
    }
  | { readonly kind: "started"; readonly token: string; readonly links: string | undefined }
  | { readonly kind: "failed"; readonly state: "failed" | "canceled"; readonly failure: Buffer }
  | {
      readonly kind: "refused";
      readonly type: string;
      readonly status: number;
      readonly failure: Buffer;
    }
  | {
      readonly kind: "retry";
      readonly sent: boolean;
      readonly status: number | null;
      readonly error: string;
      readonly retryAfter: string | undefined;
    };

const tokenHeader = `${headerNames.callbackPrefix}${completionTokenHeader}`;

export type SendStart = (dispatch: StartDispatch) => Promise<ExchangeReply>;

/** Sends one start to the pinned target; throws {@link ExchangeFailed}. */
export function createSendStart(context: GatewayContext, identity: CallerIdentity): SendStart {
  const { options, egress, crash, keys } = context;
  const callback = `callback=${encodeURIComponent(`${options.publicUrl}/nexus/callback`)}`;
  const tokens = createCompletionTokens(keys.callbackHmac);
  const onSent = crashOnceSent(crash, "dispatch:sent");
  return async (dispatch) => {
    const address = targetAddress(dispatch.target.url);
    const { headers } = dispatch;
    headers[headerNames.requestId] = dispatch.key;
    if (dispatch.requestId !== null && isHeaderValue(dispatch.requestId)) {
      headers[headerNames.callerRequestId] = dispatch.requestId;
    }
    headers[tokenHeader] = tokens.mint(dispatch.completion);
    // For reports of progress; a pass-through has none before its handler has answered.
    if (dispatch.completion.kind === "durable")
      headers[headerNames.operationId] = dispatch.completion.id;
    headers[headerNames.requestTimeout] = formatDuration(
      Math.max(1, Math.floor(dispatch.timeoutMs)),
    );
    if (dispatch.operationTimeoutMs !== null) {
      headers[headerNames.operationTimeout] = formatDuration(
        Math.max(1, Math.floor(dispatch.operationTimeoutMs)),
      );
    }
    if (dispatch.failureSupport) headers[headerNames.failureSupport] = "true";
    const caller = identity.token({
      callerNamespace: dispatch.callerNamespace,
      principal: dispatch.principal,
      endpoint: dispatch.endpoint,
      audience: dispatch.target.url,
    });
    headers[headerNames.callerIdentity] = typeof caller === "string" ? caller : await caller;
    crash("dispatch:before");
    const reply = await exchange({
      dispatcher: egress.dispatcher(dispatch.ownerNs),
      origin: address.origin,
      path: pathAt(address, startPath(dispatch.service, dispatch.operation), callback),
      headers,
      body: dispatch.body,
      timeoutMs: dispatch.timeoutMs,
      maxBytes: options.maxPayloadBytes,
      waiting: dispatch.waiting,
      onSent,
    });
    crash("dispatch:replied");
    return reply;
  };
}

export function readStartReply(reply: ExchangeReply): StartAttempt {
  const links = reply.headers[headerNames.link];
  const decoded = decodeStartResponse({
    status: reply.status,
    headers: reply.headers,
    body: reply.body,
  });
  switch (decoded.kind) {
    case "sync":
      return {
        kind: "succeeded",
        content: decoded.headers,
        body: reply.body,
        links,
      };
    case "async":
      if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(decoded.token)) {
        return {
          kind: "retry",
          sent: true,
          status: reply.status,
          error: "the handler's operation token can't travel in a header",
          retryAfter: undefined,
        };
      }
      return { kind: "started", token: decoded.token, links };
    case "operation-error":
      return {
        kind: "failed",
        state: decoded.state,
        failure: wholeFailure(decoded.state, decoded.failure, reply.body),
      };
    case "handler-error":
      if (!decoded.retryable) {
        return {
          kind: "refused",
          type: decoded.type,
          status: reply.status,
          failure: handlerFailure(decoded.type, decoded.failure, reply.body),
        };
      }
      return {
        kind: "retry",
        sent: true,
        status: reply.status,
        error: `${decoded.type}: ${decoded.failure?.message ?? ""}`.slice(0, 500),
        retryAfter: reply.headers["retry-after"],
      };
    case "unexpected":
      return {
        kind: "retry",
        sent: true,
        status: reply.status,
        error: `the handler answered ${reply.status}, which no Nexus handler does`,
        retryAfter: reply.headers["retry-after"],
      };
  }
}

export function failedExchange(error: unknown): StartAttempt & { kind: "retry" } {
  if (!(error instanceof ExchangeFailed)) throw error;
  return {
    kind: "retry",
    sent: error.sent,
    status: null,
    error: `${error.sent ? "" : notSent}${error.message}`.slice(0, 500),
    retryAfter: undefined,
  };
}

/** Marks recorded attempts after which the handler certainly knows nothing: a cancel may then end the operation at once. */
export const notSent = "not sent: ";

/** Of a recorded attempt: no byte reached the target, or it said itself that it did not take the call. */
export function certainlyNotAccepted(error: string | null): boolean {
  return (
    error !== null &&
    [notSent, "UNAVAILABLE:", "RESOURCE_EXHAUSTED:"].some((start) => error.startsWith(start))
  );
}

function wholeFailure(
  state: "failed" | "canceled",
  failure: { metadata?: Record<string, string> } | undefined,
  body: Buffer,
): Buffer {
  if (failure?.metadata?.["type"] === "nexus.OperationError") return body;
  return operationErrorFailure(state, failure === undefined ? Buffer.from("{}") : body);
}

/** A body that is not a `nexus.HandlerError` is the cause alone (protocol.md 1.5) or no failure at all. */
function handlerFailure(
  type: string,
  failure: { metadata?: Record<string, string> } | undefined,
  body: Buffer,
): Buffer {
  if (failure?.metadata?.["type"] === "nexus.HandlerError") return body;
  const head = `{"metadata":{"type":"nexus.HandlerError"},"details":{"type":${JSON.stringify(type)}}`;
  return failure === undefined
    ? Buffer.from(`${head}}`)
    : Buffer.concat([Buffer.from(`${head},"cause":`), body, Buffer.from("}")]);
}

function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}
