/** The one table of handler error types (Nexus SPEC "Predefined Handler Errors"): status and default retryability. */
export const handlerErrors = {
  BAD_REQUEST: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  UNAUTHORIZED: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  REQUEST_TIMEOUT: { status: 408, retryable: true },
  CONFLICT: { status: 409, retryable: false },
  RESOURCE_EXHAUSTED: { status: 429, retryable: true },
  INTERNAL: { status: 500, retryable: true },
  NOT_IMPLEMENTED: { status: 501, retryable: false },
  UNAVAILABLE: { status: 503, retryable: true },
  UPSTREAM_TIMEOUT: { status: 520, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type HandlerErrorType = keyof typeof handlerErrors;

const byStatus = new Map<number, HandlerErrorType>(
  (Object.keys(handlerErrors) as HandlerErrorType[]).map((type) => [
    handlerErrors[type].status,
    type,
  ]),
);

export function statusToHandlerErrorType(status: number): HandlerErrorType | undefined {
  return byStatus.get(status);
}
