import { HandlerErrorType } from "nexus-rpc";
import type { ErrorShape } from "./reference.ts";

const outage: ErrorShape = {
  kind: "failure",
  failure: {
    message: "disk ä is gone",
    metadata: { type: "com.example.Outage", region: "eu-1" },
    details: { disks: [1, { at: "2026-01-01" }], limit: 1.5, none: null },
    cause: { message: "the cable", metadata: { type: "com.example.Cable" }, details: ["x"] },
  },
};

export const handlerFailures: readonly (readonly [string, ErrorShape])[] = [
  ...Object.values(HandlerErrorType)
    .filter((type) => type !== "UNKNOWN")
    .map((type) => [type, { kind: "handler", type, message: `why: ${type}` }] as const),
  [
    "INTERNAL that must not be retried",
    { kind: "handler", type: "INTERNAL", message: "broken", retryable: false },
  ],
  [
    "BAD_REQUEST that may be retried",
    { kind: "handler", type: "BAD_REQUEST", message: "not yet", retryable: true },
  ],
  [
    "UNAVAILABLE that must not be retried, with a cause",
    { kind: "handler", type: "UNAVAILABLE", message: "outer", retryable: false, cause: outage },
  ],
  [
    "a handler error with causes",
    {
      kind: "handler",
      type: "NOT_IMPLEMENTED",
      message: "outer",
      retryable: true,
      cause: { kind: "handler", type: "CONFLICT", message: "inner", cause: outage },
    },
  ],
];

export const operationFailures: readonly (readonly [string, ErrorShape])[] = [
  ["failed", { kind: "operation", state: "failed", message: "no stock" }],
  ["canceled", { kind: "operation", state: "canceled", message: "changed their mind" }],
  [
    "failed with a failure of its own type",
    { kind: "operation", state: "failed", message: "outer", cause: outage },
  ],
  [
    "canceled with nested causes",
    {
      kind: "operation",
      state: "canceled",
      message: "outer",
      cause: { kind: "handler", type: "UNAVAILABLE", message: "inner", cause: outage },
    },
  ],
  [
    "failed because another operation failed",
    {
      kind: "operation",
      state: "failed",
      message: "outer",
      cause: { kind: "operation", state: "canceled", message: "middle", cause: outage },
    },
  ],
];

/** What the receiver of a completion reads of it: by the reference's own rule only the cause of an error travels. */
export function completedWith(shape: ErrorShape): ErrorShape {
  const { cause } = shape;
  if (cause === undefined) return shape;
  // An operation error is taken for the operation's own.
  if (cause.kind === "operation") return cause;
  return { ...shape, message: "nexus operation completed unsuccessfully" };
}
