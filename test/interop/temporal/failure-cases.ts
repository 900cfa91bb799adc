import { FailureError } from "@nexus-mesh/sdk/protocol/failure";
import { HandlerError, OperationError } from "nexus-rpc";
import type { TemporalVersion } from "../install-temporal.ts";
import type { SeenError } from "./seen-error.ts";

/** What the workflow sees of a failure: 1.32.0 asks for whole failures, 1.29.1 and 1.30.2 do not. */
interface SeenByServer {
  readonly older: SeenError;
  readonly current: SeenError;
}

export function seenBy(version: TemporalVersion, { older, current }: SeenByServer): SeenError {
  return unsuccessful(version === "1.32.0" ? current : older);
}

/** The workflow's operation has failed, because of this. */
export function unsuccessful(cause: SeenError): SeenError {
  return {
    class: "NexusOperationFailure",
    message: "nexus operation completed unsuccessfully",
    cause,
  };
}

const cause = new FailureError({
  message: "the disk is full",
  metadata: { type: "DiskFull" },
  details: { free: 0, where: "ä" },
});
const bareFailure = {
  message: "no report",
  metadata: { type: "ReportFailed" },
  details: { rows: 0, why: "ä" },
};

// A failure of a type that Temporal does not know arrives whole in the details, with its message outside.
const nexusFailure = (message: string, type: string, details: unknown) => ({
  older: {
    message,
    type: "NexusFailure",
    details: [{ message: "", metadata: { type }, details }],
  },
  current: { message, type: "NexusFailure", details: [{ metadata: { type }, details }] },
});
const diskFull = nexusFailure("the disk is full", "DiskFull", cause.failure.details);
const reportFailed = nexusFailure("no report", "ReportFailed", bareFailure.details);
const stateOnly = nexusFailure("no report", "nexus.OperationError", { state: "failed" });

const application = (given: Omit<SeenError, "class">): SeenError => ({
  class: "ApplicationFailure",
  ...given,
});
const refused = (type: string): SeenByServer => ({
  older: {
    class: "HandlerError",
    type,
    message: `handler error (${type}): the disk is full`,
    retryable: false,
    cause: application({ ...diskFull.older, retryable: true }),
  },
  current: {
    class: "HandlerError",
    type,
    message: "bad rows",
    retryable: false,
    cause: application({ ...diskFull.current, retryable: true }),
  },
});
const failedPlainly: SeenByServer = {
  older: application({ ...stateOnly.older, retryable: false }),
  current: application({
    message: "no report",
    type: "OperationError",
    details: [],
    retryable: false,
  }),
};

/** Thrown by a handler behind the mesh at the start. Of an error with a cause, older servers are sent the cause alone. */
export const startFailures: { name: string; error: Error; seen: SeenByServer }[] = [
  { name: "failed", error: new OperationError("failed", "no report"), seen: failedPlainly },
  {
    name: "failed with a cause",
    error: new OperationError("failed", "no report", { cause }),
    seen: {
      older: application({ ...diskFull.older, retryable: false }),
      current: application({
        message: "no report",
        type: "OperationError",
        details: [],
        retryable: false,
        cause: application({ ...diskFull.current, retryable: true }),
      }),
    },
  },
  {
    name: "failed in foreign words",
    error: new OperationError("failed", "no report", { originalFailure: bareFailure }),
    seen: {
      older: application({ ...reportFailed.older, retryable: false }),
      current: application({ ...reportFailed.current, retryable: true }),
    },
  },
  {
    name: "canceled",
    error: new OperationError("canceled", "no report", { cause }),
    seen: {
      older: {
        class: "CancelledFailure",
        message: "the disk is full",
        details: diskFull.older.details,
      },
      current: {
        class: "CancelledFailure",
        message: "no report",
        details: [],
        cause: application({ ...diskFull.current, retryable: true }),
      },
    },
  },
  ...(["BAD_REQUEST", "UNAUTHORIZED", "NOT_FOUND", "NOT_IMPLEMENTED"] as const).map((type) => ({
    name: type,
    error: new HandlerError(type, "bad rows", { cause }),
    seen: refused(type),
  })),
  {
    name: "INTERNAL, not to be retried",
    error: new HandlerError("INTERNAL", "bad rows", { cause, retryableOverride: false }),
    seen: refused("INTERNAL"),
  },
];

/** How an operation ends that had been started. Of an error with a cause, a completion carries the cause alone. */
export const completionFailures: { name: string; error: OperationError; seen: SeenByServer }[] = [
  { name: "failed", error: new OperationError("failed", "no report"), seen: failedPlainly },
  {
    name: "failed with a cause",
    error: new OperationError("failed", "no report", { cause }),
    seen: {
      older: application({ ...diskFull.older, retryable: false }),
      current: application({ ...diskFull.current, retryable: true }),
    },
  },
  {
    name: "failed in foreign words",
    error: new OperationError("failed", "no report", { originalFailure: bareFailure }),
    seen: {
      older: application({ ...reportFailed.older, retryable: false }),
      current: application({ ...reportFailed.current, retryable: true }),
    },
  },
  {
    name: "canceled",
    error: new OperationError("canceled", "no report", { cause }),
    seen: {
      older: {
        class: "CancelledFailure",
        message: "the disk is full",
        details: diskFull.older.details,
      },
      current: { class: "CancelledFailure", message: "the disk is full", details: [] },
    },
  },
];
