import {
  HandlerError,
  HandlerErrorType as RpcType,
  OperationError,
  type Failure as RpcFailure,
} from "nexus-rpc";
import { handlerErrors } from "./handler-errors.ts";

/** The wire's picture of an error (protocol.md 1.5). Every field is left out when it is empty. */
export interface Failure {
  readonly message?: string;
  readonly stackTrace?: string;
  readonly metadata?: Record<string, string>;
  readonly details?: unknown;
  readonly cause?: Failure;
}

export const handlerErrorFailureType = "nexus.HandlerError";
export const operationErrorFailureType = "nexus.OperationError";

/** A Failure from JSON bytes; `undefined` where they are none (not JSON, not an object, metadata that is not text). */
export function parseFailure(bytes: Uint8Array): Failure | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return isFailure(value) ? value : undefined;
  } catch {
    // Bytes from the other side: what can't be read is no failure, and its status decides.
    return undefined;
  }
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { message, stackTrace, metadata, cause } = value as Record<string, unknown>;
  if (message !== undefined && typeof message !== "string") return false;
  if (stackTrace !== undefined && typeof stackTrace !== "string") return false;
  if (metadata !== undefined && metadata !== null) {
    if (typeof metadata !== "object" || Array.isArray(metadata)) return false;
    if (!Object.values(metadata).every((entry) => typeof entry === "string")) return false;
  }
  return cause === undefined || cause === null || isFailure(cause);
}

/** An error decoded from a failure is written as it came, unknown fields included. */
export function handlerErrorToFailure(error: HandlerError): Failure {
  if (error.originalFailure !== undefined) return asReceived(error.originalFailure);
  const type = error.rawErrorType;
  return {
    ...(error.message === "" ? {} : { message: error.message }),
    metadata: { type: handlerErrorFailureType },
    details: {
      type,
      ...(error.retryableOverride === undefined
        ? {}
        : { retryableOverride: error.retryableOverride }),
    },
    ...causeOf(error),
  };
}

export function operationErrorToFailure(error: OperationError): Failure {
  if (error.originalFailure !== undefined) return asReceived(error.originalFailure);
  return {
    ...(error.message === "" ? {} : { message: error.message }),
    metadata: { type: operationErrorFailureType },
    details: { state: error.state },
    ...causeOf(error),
  };
}

/** `nexus-rpc` demands a message; one that was not there is taken out again. */
function keep(failure: Failure): RpcFailure {
  return { ...failure, message: failure.message ?? "" } as RpcFailure;
}

function asReceived(original: RpcFailure): Failure {
  const { message, ...rest } = original;
  return { ...(message === "" ? {} : { message }), ...rest };
}

/** Only what was made to be sent goes out: of another cause neither text nor stack leaves the process. */
function causeOf(error: Error): { cause?: Failure } {
  const { cause } = error;
  if (cause instanceof HandlerError) return { cause: handlerErrorToFailure(cause) };
  if (cause instanceof OperationError) return { cause: operationErrorToFailure(cause) };
  if (cause instanceof FailureError) return { cause: cause.failure };
  return {};
}

/** A failure of neither Nexus type as an Error, so that it can be a cause and is written as it came. */
export class FailureError extends Error {
  override readonly name = "FailureError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(
      failure.message ?? "",
      failure.cause === undefined ? undefined : { cause: failureToError(failure.cause) },
    );
    this.failure = failure;
  }
}

export function failureToError(failure: Failure): Error {
  const details =
    typeof failure.details === "object" && failure.details !== null
      ? (failure.details as Record<string, unknown>)
      : {};
  const type = failure.metadata?.["type"];
  if (type === handlerErrorFailureType) {
    const named = details["type"];
    return handlerErrorOf(
      typeof named === "string" ? named : "",
      failure,
      details["retryableOverride"],
    );
  }
  if (type === operationErrorFailureType) {
    return operationErrorOf(details["state"] === "canceled" ? "canceled" : "failed", failure);
  }
  return new FailureError(failure);
}

/** Marks a failure that was made around another, which alone counts (protocol.md 1.3). */
export const wrapperMark = { "unwrap-error": "true" } as const;

function isWrapper(failure: Failure): boolean {
  return failure.metadata?.["unwrap-error"] === wrapperMark["unwrap-error"];
}

/** Of a wrapper the message is that of what it was made around: its own says nothing to people. */
export function operationErrorOf(state: "failed" | "canceled", failure: Failure): OperationError {
  const message = (isWrapper(failure) ? failure.cause?.message : undefined) ?? failure.message;
  return new OperationError(state, message ?? "", {
    ...(failure.cause === undefined ? {} : { cause: failureToError(failure.cause) }),
    originalFailure: keep(failure),
  });
}

/**
 * `nexus-rpc` throws for a type it does not know; the wire may carry any (pitfall 9). Older senders send the cause
 * alone: its message is then all there is to say.
 */
export function handlerErrorOf(
  type: string,
  failure: Failure,
  retryableOverride?: unknown,
): HandlerError {
  const known = Object.hasOwn(handlerErrors, type);
  const message = failure.message ?? failure.cause?.message ?? "";
  return new HandlerError(known ? (type as RpcType) : RpcType.UNKNOWN, message, {
    ...(failure.cause === undefined ? {} : { cause: failureToError(failure.cause) }),
    ...(typeof retryableOverride === "boolean" ? { retryableOverride } : {}),
    ...(known ? {} : { rawErrorType: type }),
    originalFailure: keep(failure),
  });
}
