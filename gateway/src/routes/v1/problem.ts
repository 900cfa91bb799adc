import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { ApiError, errorCodes, type Violation } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { RegistryConflict } from "@nexus-mesh/registry/registry";
import { isConnectionLost, isDataError } from "../../store/postgres-errors.ts";
import { StoreOverloaded, StoreUnavailable } from "../../store/store.ts";
import type { Schema } from "../route.ts";

type Reporting = Pick<GatewayContext, "log" | "metrics">;

/** Errors of `/v1` and of every path that is not Nexus's, as application/problem+json. */
export function sendProblem(
  context: Reporting,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const known = toProblem(error);
  if (known.code === "INTERNAL") {
    context.log.error({ err: error, requestId: request.id }, "a request failed");
  }
  const { status } = errorCodes[known.code];
  if (status === 401 || status === 403) context.metrics.denials.inc({ code: known.code });
  const problem: Schema<"Problem"> = problemOf(known);
  // Without the query, which may hold a secret of somebody's callback URL.
  problem.instance = request.originalUrl.split("?", 1)[0] ?? "/";
  if (status === 401) reply.header("www-authenticate", 'Bearer realm="nexus-mesh"');
  return reply
    .code(status)
    .headers({ ...known.headers })
    .header("content-type", "application/problem+json")
    .send(JSON.stringify(problem));
}

/** All but `instance`, which the error does not know. */
export function problemOf(error: ApiError): Schema<"Problem"> {
  const { status, title, retryable } = errorCodes[error.code];
  const hint = error.hint ?? hints[error.code];
  const problem: Schema<"Problem"> = {
    type: `urn:nexus-mesh:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    retryable,
    ...(error.violations.length === 0 ? {} : { errors: [...error.violations] }),
    ...error.members,
  };
  // Assigned, not spread: the compiler must see it when the field leaves the schema.
  if (hint !== undefined) problem.hint = hint;
  return problem;
}

/** Where the thrower gives no better advice. */
const hints: Partial<Record<keyof typeof errorCodes, string>> = {
  INVALID_REQUEST: "The API reference at /docs shows what this route takes",
  INVALID_NAME:
    "Namespaces: 2 to 63 of a-z, 0-9 and -; endpoints: 2 to 200 of letters, digits and -; both begin with a letter and don't end in -; queues: letters, digits, and . _ - inside",
  ROUTE_NOT_FOUND: "The API reference at /docs lists the routes",
  UNAUTHENTICATED: "Send Authorization: Bearer with a mesh token",
  TOKEN_EXPIRED: "Ask the namespace's owner for a new token: nexus-mesh token issue",
  TOKEN_REVOKED: "Ask the namespace's owner for a new token: nexus-mesh token issue",
  ENDPOINT_NOT_FOUND: "nexus-mesh endpoint list shows what there is",
  NAMESPACE_NOT_FOUND: "nexus-mesh namespace list shows what there is",
  OPERATION_NOT_FOUND: "nexus-mesh operation list shows the operations that this namespace may see",
  QUEUE_NOT_FOUND:
    "nexus-mesh queue list shows the namespace's queues; the first endpoint that points at a queue makes it",
  CALLBACK_NOT_FOUND: "nexus-mesh callback list shows what was not delivered at once",
  GRANT_NOT_FOUND: "nexus-mesh grant list shows the endpoint's grants",
  TOKEN_NOT_FOUND: "nexus-mesh token list shows the namespace's tokens",
  OPERATION_CLOSED: "nexus-mesh operation result shows how it ended",
  INVALID_CURSOR: "Start again without a cursor",
  PAYLOAD_TOO_LARGE: "Pass a reference to large data instead of the data",
  VERSION_CONFLICT: "Read it again, and send the ETag that you get as If-Match",
  ALREADY_EXISTS: "Leave If-None-Match out to replace it",
  REQUEST_TIMEOUT: "Send the same request again, faster or on a connection that isn't cut",
  HEADERS_TOO_LARGE: "Send less in headers and in the query: a payload belongs in the body",
  EXPECTATION_FAILED: "Leave the header out, or send Expect: 100-continue",
  OVERLOADED: "Send the same request again after Retry-After",
  STORE_UNAVAILABLE: "Send the same request again after Retry-After",
  DRAINING: "Send the same request again: another gateway answers it",
  INTERNAL: "Send the same request again; the gateway's log tells the operators more",
};

/** Coerces what the registry, the store and Fastify throw; everything else is a bug and its text stays here. */
function toProblem(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RegistryConflict) return conflict(error);
  if (error instanceof StoreOverloaded) {
    return new ApiError("OVERLOADED", "too many payload bytes wait for their commit", {
      headers: { "retry-after": "1" },
      cause: error,
    });
  }
  if (error instanceof StoreUnavailable || isConnectionLost(error)) {
    return new ApiError("STORE_UNAVAILABLE", "the database can't be reached at the moment", {
      headers: { "retry-after": "1" },
      cause: error,
    });
  }
  if (isFastifyError(error)) {
    if (error.validation !== undefined) return invalid(error, error.validation);
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
      return new ApiError("PAYLOAD_TOO_LARGE", "the body is larger than this route takes", {
        violations: [{ pointer: "", rule: "max-bytes", detail: "the body is too large" }],
        cause: error,
      });
    }
    if (error.statusCode !== undefined && error.statusCode < 500) return unreadable(error);
  }
  if (isDataError(error)) {
    return new ApiError("INVALID_REQUEST", "a value can't be stored", {
      hint: "Postgres text holds no U+0000",
      cause: error,
    });
  }
  return new ApiError("INTERNAL", "internal server error", { cause: error });
}

function conflict(error: RegistryConflict): ApiError {
  switch (error.kind) {
    case "version":
      return new ApiError("VERSION_CONFLICT", error.message, {
        violations: [{ pointer: "header:If-Match", rule: "version", detail: error.message }],
        members: error.currentVersion === undefined ? {} : { currentVersion: error.currentVersion },
        cause: error,
      });
    case "exists":
      return new ApiError("ALREADY_EXISTS", error.message, {
        violations: [{ pointer: "header:If-None-Match", rule: "absent", detail: error.message }],
        cause: error,
      });
    case "in-use":
      return new ApiError("IN_USE", error.message, {
        hint: "Delete what uses it, or wait until its operations have ended",
        cause: error,
      });
  }
}

function unreadable(error: FastifyError): ApiError {
  const detail = "the body can't be read as JSON of the content type application/json";
  return new ApiError("INVALID_REQUEST", detail, {
    violations: [{ pointer: "", rule: "json", detail }],
    cause: error,
  });
}

const named =
  /^(path:(endpoint|namespace|grant|service|operation|queue)|query:(endpoint|caller|owner)|\/(owner|caller|endpoint|target\/queue))$/;

function invalid(error: FastifyError, found: NonNullable<FastifyError["validation"]>): ApiError {
  const violations: Violation[] = found.map((one) => {
    const { missingProperty, additionalProperty } = one.params;
    const extra = missingProperty ?? additionalProperty;
    const path = one.instancePath + (typeof extra === "string" ? `/${extra}` : "");
    return {
      pointer: pointer(error.validationContext, path),
      rule: one.keyword,
      detail: one.message ?? "is not valid",
    };
  });
  const [first] = violations;
  if (first === undefined) return new ApiError("INVALID_REQUEST", error.message, { cause: error });
  const isName =
    named.test(first.pointer) && ["pattern", "minLength", "maxLength"].includes(first.rule);
  const subject = first.pointer === "" ? "the body" : first.pointer;
  return new ApiError(isName ? "INVALID_NAME" : "INVALID_REQUEST", `${subject} ${first.detail}`, {
    violations,
    cause: error,
  });
}

function pointer(part: string | undefined, path: string): string {
  const name = path.slice(1);
  switch (part) {
    case "params":
      return `path:${name}`;
    case "querystring":
      return `query:${name}`;
    case "headers":
      return `header:${name}`;
    default:
      return path;
  }
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
