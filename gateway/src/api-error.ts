import type { HandlerErrorType } from "@nexus-mesh/sdk/protocol/handler-errors";

interface ErrorCode {
  readonly status: number;
  /** What a Nexus path answers for it. */
  readonly nexus: HandlerErrorType;
  readonly retryable: boolean;
  readonly title: string;
}

/** The one table: status, Nexus type, retryability and the README derive from it. */
export const errorCodes = {
  INVALID_REQUEST: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The request is malformed",
  },
  INVALID_NAME: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "A name breaks its rule",
  },
  INVALID_TIMEOUT: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "A timeout is malformed",
  },
  INVALID_CALLBACK_URL: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The callback URL can't be used",
  },
  INVALID_TARGET_URL: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The target URL can't be used",
  },
  EGRESS_DENIED: {
    status: 403,
    nexus: "UNAUTHORIZED",
    retryable: false,
    title: "The egress policy does not allow this address",
  },
  INVALID_CURSOR: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The cursor is not one of this list",
  },
  INVALID_LINK: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "A Nexus-Link header is malformed",
  },
  UNAUTHENTICATED: {
    status: 401,
    nexus: "UNAUTHENTICATED",
    retryable: false,
    title: "No valid credential",
  },
  TOKEN_EXPIRED: {
    status: 401,
    nexus: "UNAUTHENTICATED",
    retryable: false,
    title: "The token has expired",
  },
  TOKEN_REVOKED: {
    status: 401,
    nexus: "UNAUTHENTICATED",
    retryable: false,
    title: "The token was revoked",
  },
  NAMESPACE_REQUIRED: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "Nexus-Mesh-Namespace is needed",
  },
  PERMISSION_DENIED: {
    status: 403,
    nexus: "UNAUTHORIZED",
    retryable: false,
    title: "The role does not allow this",
  },
  GRANT_MISSING: {
    status: 403,
    nexus: "UNAUTHORIZED",
    retryable: false,
    title: "No grant allows this call",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "There is nothing at this path",
  },
  ENDPOINT_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The endpoint is unknown",
  },
  NAMESPACE_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The namespace is unknown",
  },
  OPERATION_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The operation is unknown",
  },
  CALLBACK_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The callback is unknown",
  },
  GRANT_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The grant is unknown",
  },
  TOKEN_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The token is unknown",
  },
  REQUEST_ID_REUSED: {
    status: 409,
    nexus: "CONFLICT",
    retryable: false,
    title: "The request id was used with other input",
  },
  ALREADY_EXISTS: { status: 409, nexus: "CONFLICT", retryable: false, title: "It exists already" },
  IN_USE: { status: 409, nexus: "CONFLICT", retryable: false, title: "It is still in use" },
  OPERATION_CLOSED: {
    status: 409,
    nexus: "CONFLICT",
    retryable: false,
    title: "The operation has ended",
  },
  OPERATION_OPEN: {
    status: 409,
    nexus: "CONFLICT",
    retryable: false,
    title: "The operation can't be redriven in this state",
  },
  QUEUE_NOT_FOUND: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The queue is unknown",
  },
  LEASE_LOST: {
    status: 409,
    nexus: "CONFLICT",
    retryable: false,
    title: "The task is not this worker's any more",
  },
  INVALID_TASK_TOKEN: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The task token is not valid",
  },
  COMPLETION_TOO_LATE: {
    status: 404,
    nexus: "NOT_FOUND",
    retryable: false,
    title: "The operation has ended otherwise",
  },
  INVALID_CALLBACK_TOKEN: {
    status: 400,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The callback token is not valid",
  },
  VERSION_CONFLICT: {
    status: 412,
    nexus: "CONFLICT",
    retryable: false,
    title: "Another version is current",
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The body is too large",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    nexus: "REQUEST_TIMEOUT",
    retryable: true,
    title: "The request did not arrive in time",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The request's headers are too large",
  },
  EXPECTATION_FAILED: {
    status: 417,
    nexus: "BAD_REQUEST",
    retryable: false,
    title: "The expectation can't be met",
  },
  OVERLOADED: {
    status: 429,
    nexus: "RESOURCE_EXHAUSTED",
    retryable: true,
    title: "Too much is in flight",
  },
  INTERNAL: { status: 500, nexus: "INTERNAL", retryable: true, title: "Internal server error" },
  STORE_UNAVAILABLE: {
    status: 503,
    nexus: "UNAVAILABLE",
    retryable: true,
    title: "The database can't be reached",
  },
  DRAINING: {
    status: 503,
    nexus: "UNAVAILABLE",
    retryable: true,
    title: "This gateway is shutting down",
  },
  HANDLER_UNREACHABLE: {
    status: 503,
    nexus: "UNAVAILABLE",
    retryable: true,
    title: "The handler can't be reached",
  },
  HANDLER_TIMEOUT: {
    status: 520,
    nexus: "UPSTREAM_TIMEOUT",
    retryable: true,
    title: "The handler did not answer",
  },
} as const satisfies Record<string, ErrorCode>;

export type ApiErrorCode = keyof typeof errorCodes;

export interface Violation {
  /** Where: a JSON pointer into the body, or `header:Name`, `query:name`, `path:name`. */
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
}

/** Besides HandlerError and OperationError the only error whose text leaves the process. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly hint: string | undefined;
  readonly violations: readonly Violation[];
  readonly headers: Readonly<Record<string, string>>;
  /** Extra members of the problem document, such as `currentVersion` or `operationId`. */
  readonly members: Readonly<Record<string, string | number>>;

  constructor(
    code: ApiErrorCode,
    detail: string,
    more: {
      hint?: string;
      violations?: readonly Violation[];
      headers?: Record<string, string>;
      members?: Record<string, string | number>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
    this.violations = more.violations ?? [];
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }

  get status(): number {
    return errorCodes[this.code].status;
  }
}
