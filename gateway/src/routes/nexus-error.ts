import { handlerErrorFailureType, type Failure } from "@nexus-mesh/sdk/protocol/failure";
import { encodeHandlerError } from "@nexus-mesh/sdk/protocol/failure-response";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HandlerError } from "nexus-rpc";
import { ApiError, errorCodes, type ApiErrorCode } from "../api-error.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { isDataError } from "../store/postgres-errors.ts";
import { StoreOverloaded, StoreUnavailable } from "../store/store.ts";

/** Errors on Nexus paths speak Failure JSON, with the same `code` that `/v1` has in `metadata`. */
export function sendNexusError(
  context: Pick<GatewayContext, "log" | "metrics">,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const failureSupport = request.headers[headerNames.failureSupport] === "true";
  if (error instanceof HandlerError) {
    return sendEncoded(reply, encodeHandlerError(error, { failureSupport }), {});
  }
  const known = toApiError(error);
  if (known.code === "INTERNAL")
    context.log.error({ err: error, requestId: request.id }, "a Nexus request failed");
  const { status } = errorCodes[known.code];
  if (status === 401 || status === 403) context.metrics.denials.inc({ code: known.code });
  const headers =
    known.status === 401
      ? { "www-authenticate": 'Bearer realm="nexus-mesh"', ...known.headers }
      : known.headers;
  return sendEncoded(
    reply,
    {
      status: nexusStatus(known.code),
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(failureOf(known))),
    },
    headers,
  );
}

/** The Failure of a handler error, with the mesh's code beside its type. */
export function failureOf(error: ApiError): Failure {
  return {
    message: error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
    metadata: { type: handlerErrorFailureType, code: error.code },
    details: { type: errorCodes[error.code].nexus, ...error.members },
  };
}

/** Coerces what the store and Fastify throw; everything else is a bug and its text stays here. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreUnavailable)
    return new ApiError("STORE_UNAVAILABLE", "the database can't be reached at the moment", {
      headers: { "retry-after": "1" },
      cause: error,
    });
  if (error instanceof StoreOverloaded)
    return new ApiError("OVERLOADED", "too many payload bytes wait for their commit", {
      headers: { "retry-after": "1" },
      cause: error,
    });
  if (isDataError(error)) {
    return new ApiError("INVALID_REQUEST", "a value can't be stored", {
      hint: "Postgres text holds no U+0000",
      cause: error,
    });
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new ApiError("PAYLOAD_TOO_LARGE", "input exceeds size limit", { cause: error });
  if (typeof code === "string" && code.startsWith("FST_ERR_CTP"))
    return new ApiError("INVALID_REQUEST", "the body can't be read", { cause: error });
  if (isRefusedByFastify(error))
    return new ApiError("INVALID_REQUEST", "the request can't be read", { cause: error });
  return new ApiError("INTERNAL", "internal server error", { cause: error });
}

/** Whatever Fastify finds wrong with a request before a route sees it, such as a QUERY without a content type. */
function isRefusedByFastify(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error) || !("statusCode" in error)) return false;
  const { code, statusCode } = error;
  return (
    typeof code === "string" &&
    code.startsWith("FST_ERR_") &&
    typeof statusCode === "number" &&
    statusCode >= 400 &&
    statusCode < 500
  );
}

/** The wire's own statuses: 413, 412 and the like are no handler errors and would read as retryable. */
function nexusStatus(code: ApiErrorCode): number {
  const { status, nexus } = errorCodes[code];
  if (nexus === "BAD_REQUEST") return 400;
  if (nexus === "CONFLICT") return 409;
  return status;
}

function sendEncoded(
  reply: FastifyReply,
  encoded: { status: number; headers: Record<string, string>; body: Uint8Array },
  more: Readonly<Record<string, string>>,
): FastifyReply {
  return reply
    .code(encoded.status)
    .headers({ ...encoded.headers, ...more })
    .send(Buffer.from(encoded.body));
}
