import { FailureError } from "@nexus-mesh/sdk/protocol/failure";
import { HandlerError, OperationError, type HandlerErrorType } from "nexus-rpc";
import type { ErrorShape } from "./reference.ts";

/** The TypeScript side of the Go program's `errorShape`. */
export function toError(shape: ErrorShape): Error {
  const cause = shape.cause === undefined ? {} : { cause: toError(shape.cause) };
  switch (shape.kind) {
    case "handler":
      return new HandlerError(shape.type as HandlerErrorType, shape.message ?? "", {
        ...cause,
        ...(shape.retryable === undefined ? {} : { retryableOverride: shape.retryable }),
      });
    case "operation":
      return toOperationError(shape);
    case "failure":
      return new FailureError(shape.failure ?? {});
    case "unexpected":
      throw new TypeError("an unexpected response is only seen, never sent");
  }
}

export function toOperationError(shape: ErrorShape): OperationError {
  return new OperationError(shape.state as "failed" | "canceled", shape.message ?? "", {
    ...(shape.cause === undefined ? {} : { cause: toError(shape.cause) }),
  });
}

export function shapeOf(error: unknown): ErrorShape {
  if (error instanceof HandlerError) {
    return {
      kind: "handler",
      type: error.rawErrorType,
      ...(error.message === "" ? {} : { message: error.message }),
      ...(error.retryableOverride === undefined ? {} : { retryable: error.retryableOverride }),
      ...causeOf(error),
    };
  }
  if (error instanceof OperationError) {
    return {
      kind: "operation",
      state: error.state,
      ...(error.message === "" ? {} : { message: error.message }),
      ...causeOf(error),
    };
  }
  if (error instanceof FailureError) return { kind: "failure", failure: error.failure };
  return { kind: "unexpected", message: String(error) };
}

function causeOf(error: Error): { cause?: ErrorShape } {
  return error.cause === undefined ? {} : { cause: shapeOf(error.cause) };
}
