import type { HandlerError, OperationError } from "nexus-rpc";
import { isJson } from "./content.ts";
import {
  handlerErrorFailureType,
  handlerErrorOf,
  handlerErrorToFailure,
  operationErrorFailureType,
  operationErrorOf,
  operationErrorToFailure,
  parseFailure,
  wrapperMark,
  type Failure,
} from "./failure.ts";
import {
  handlerErrors,
  statusToHandlerErrorType,
  type HandlerErrorType,
} from "./handler-errors.ts";
import { headerNames } from "./headers.ts";

export interface EncodedResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

export interface ReceivedResponse {
  readonly status: number;
  /** Lower-case names, single values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type ErrorResponse =
  | {
      readonly kind: "operation-error";
      readonly state: "failed" | "canceled";
      readonly failure: Failure;
      readonly error: OperationError;
    }
  | {
      readonly kind: "handler-error";
      readonly type: string;
      readonly retryable: boolean;
      readonly failure: Failure | undefined;
      readonly error: HandlerError;
    }
  /** No Nexus answer: a proxy's, a web page's, or a malformed one. Worth another try. */
  | { readonly kind: "unexpected"; readonly status: number; readonly retryable: true };

interface EncodeOptions {
  /** Whether the request carried `Temporal-Nexus-Failure-Support: true`. */
  readonly failureSupport: boolean;
}

/** Status, headers and body of a handler error (protocol.md 1.5); unknown types are written as 500. */
export function encodeHandlerError(error: HandlerError, options: EncodeOptions): EncodedResponse {
  const type = error.rawErrorType;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (error.retryableOverride !== undefined)
    headers[headerNames.retryable] = String(error.retryableOverride);
  return {
    status: isHandlerErrorType(type) ? handlerErrors[type].status : 500,
    headers,
    body: encodeFailure(handlerErrorToFailure(error), options),
  };
}

export function encodeOperationError(
  error: OperationError,
  options: EncodeOptions,
): EncodedResponse {
  return {
    status: 424,
    headers: { "content-type": "application/json", [headerNames.operationState]: error.state },
    body: encodeFailure(operationErrorToFailure(error), options),
  };
}

/** Any other error: its text stays in the process. */
export function encodeInternalError(): EncodedResponse {
  return {
    status: 500,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ message: "internal server error" })),
  };
}

/** The compatibility rule: older callers read a failure that has a cause as the cause alone. */
export function encodeFailure(failure: Failure, options: EncodeOptions): Buffer {
  return Buffer.from(JSON.stringify(options.failureSupport ? failure : (failure.cause ?? failure)));
}

/** Precedence: a `nexus.HandlerError` body, then the status; the retry header only without such a body (pitfall 10). */
export function decodeErrorResponse(response: ReceivedResponse): ErrorResponse {
  const { status, headers } = response;
  const failure = isJson(headers["content-type"]) ? parseFailure(response.body) : undefined;
  if (status === 424) return decodeOperationError(headers, failure);
  if (failure?.metadata?.["type"] === handlerErrorFailureType)
    return decodeHandlerErrorBody(status, failure);
  const type = statusToHandlerErrorType(status);
  if (type === undefined) return { kind: "unexpected", status, retryable: true };
  const override = retryHeader(headers[headerNames.retryable]);
  const cause = failure ?? {};
  const outer: Failure = {
    metadata: { type: handlerErrorFailureType },
    details: { type, ...(override === undefined ? {} : { retryableOverride: override }) },
    ...(failure === undefined ? {} : { cause }),
  };
  return {
    kind: "handler-error",
    type,
    retryable: override ?? handlerErrors[type].retryable,
    failure,
    error: handlerErrorOf(type, outer, override),
  };
}

function decodeOperationError(
  headers: Readonly<Record<string, string>>,
  failure: Failure | undefined,
): ErrorResponse {
  if (failure === undefined) return { kind: "unexpected", status: 424, retryable: true };
  if (failure.metadata?.["type"] === operationErrorFailureType) {
    const details = failure.details;
    if (typeof details !== "object" || details === null)
      return { kind: "unexpected", status: 424, retryable: true };
    const state = "state" in details && details.state === "canceled" ? "canceled" : "failed";
    return { kind: "operation-error", state, failure, error: operationErrorOf(state, failure) };
  }
  const state = headers[headerNames.operationState];
  if (state !== "failed" && state !== "canceled")
    return { kind: "unexpected", status: 424, retryable: true };
  const outer: Failure = {
    message: "nexus operation completed unsuccessfully",
    metadata: { type: operationErrorFailureType, ...wrapperMark },
    details: { state },
    cause: failure,
  };
  return { kind: "operation-error", state, failure, error: operationErrorOf(state, outer) };
}

function decodeHandlerErrorBody(status: number, failure: Failure): ErrorResponse {
  const details = failure.details === null ? {} : failure.details;
  if (typeof details !== "object" || Array.isArray(details))
    return { kind: "unexpected", status, retryable: true };
  const { type = "", retryableOverride } = details as {
    type?: unknown;
    retryableOverride?: unknown;
  };
  const name = String(type);
  const retryable =
    typeof retryableOverride === "boolean"
      ? retryableOverride
      : isHandlerErrorType(name)
        ? handlerErrors[name].retryable
        : true;
  return {
    kind: "handler-error",
    type: name,
    retryable,
    failure,
    error: handlerErrorOf(name, failure, retryableOverride),
  };
}

function retryHeader(value: string | undefined): boolean | undefined {
  const text = value?.toLowerCase();
  return text === "true" ? true : text === "false" ? false : undefined;
}

function isHandlerErrorType(type: string): type is HandlerErrorType {
  return Object.hasOwn(handlerErrors, type);
}
