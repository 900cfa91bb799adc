import { ApplicationFailure, CancelledFailure, TimeoutFailure } from "@temporalio/common";
import { HandlerError } from "nexus-rpc";

/** An error as a workflow sees it, as plain data that the workflow can return. */
export interface SeenError {
  readonly class: string;
  readonly message: string;
  readonly type?: string;
  readonly details?: unknown;
  readonly retryable?: boolean;
  readonly cause?: SeenError;
}

export function seenError(error: unknown): SeenError {
  if (!(error instanceof Error)) return { class: typeof error, message: String(error) };
  return {
    class: error.name,
    message: error.message,
    ...facts(error),
    ...(error.cause === undefined ? {} : { cause: seenError(error.cause) }),
  };
}

function facts(error: Error): Partial<SeenError> {
  if (error instanceof ApplicationFailure) {
    return {
      ...(typeof error.type === "string" ? { type: error.type } : {}),
      details: error.details ?? [],
      retryable: error.nonRetryable !== true,
    };
  }
  if (error instanceof CancelledFailure) return { details: error.details };
  if (error instanceof TimeoutFailure) return { type: String(error.timeoutType) };
  if (error instanceof HandlerError) return { type: error.type, retryable: error.retryable };
  return {};
}
