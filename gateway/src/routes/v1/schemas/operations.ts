import { states } from "../../../operations/lifecycle.ts";
import {
  actingNamespace,
  endpointName,
  json,
  listQuery,
  namespaceName,
  nullableTime,
  pageOf,
  pathOf,
  segment,
  time,
  uuid,
  waitQuery,
} from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["operations"];
const params = pathOf({ operationId: uuid });
const state = { type: "string", enum: Object.keys(states) as (keyof typeof states)[] };
const example = {
  id: "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
  state: "started",
  endpoint: "analytics",
  service: "profiles",
  operation: "profile",
  caller: "storefront",
  owner: "insights",
  requestId: "order-4711",
  principal: "ci@storefront",
  attempts: 1,
  createdAt: "2026-08-14T09:30:00.000Z",
  closedAt: null,
  closeBy: "2026-08-15T09:30:00.000Z",
  cancelRequestedAt: null,
  callbackUrl: "https://storefront.example.com/callbacks",
  redriveOf: null,
  worker: null,
  progress: {
    step: 2,
    of: 5,
    message: "reading",
    at: "2026-08-14T09:31:00.000Z",
    detail: null,
  },
};

export const progressProperties = {
  step: { type: ["integer", "null"] },
  of: { type: ["integer", "null"] },
  message: { type: ["string", "null"] },
  at: time,
  detail: { description: "Any JSON." },
} as const;

export const Operation = {
  $id: "Operation",
  type: "object",
  required: Object.keys(example),
  properties: {
    id: { ...uuid, description: "Also the operation token that the caller gets." },
    state,
    endpoint: { type: ["string", "null"], description: "null: deleted since." },
    service: { type: "string" },
    operation: { type: "string" },
    caller: { type: ["string", "null"], description: "The caller's namespace; null: deleted." },
    owner: { type: ["string", "null"], description: "The endpoint's owner; null: deleted." },
    requestId: { type: ["string", "null"] },
    principal: { type: "string", description: "Who started it." },
    attempts: { type: ["integer", "null"], description: "Of the start; null: forgotten." },
    createdAt: time,
    closedAt: nullableTime,
    closeBy: { ...nullableTime, description: "null: no deadline." },
    cancelRequestedAt: nullableTime,
    callbackUrl: {
      type: ["string", "null"],
      description: "Without its query, which may hold a secret. Shown to the caller only.",
    },
    redriveOf: { type: ["string", "null"], description: "The operation that this one repeats." },
    worker: {
      type: ["string", "null"],
      description:
        "Of a queue: the worker that has it or had it last; shown to the endpoint's owner and to admins.",
    },
    progress: {
      type: ["object", "null"],
      description: "The newest report of its handler or worker; null: none, or forgotten.",
      required: ["step", "of", "message", "at", "detail"],
      properties: progressProperties,
    },
  },
  examples: [example],
};

export const StartedOperation = {
  $id: "StartedOperation",
  type: "object",
  required: ["id", "created", "ended"],
  properties: {
    id: uuid,
    created: { type: "boolean", description: "false: the request id was known." },
    ended: { type: "boolean", description: "Its result can be read now." },
  },
  examples: [{ id: example.id, created: true, ended: false }],
} as const;

export const Attempt = {
  $id: "Attempt",
  type: "object",
  required: ["kind", "n", "at", "durationMs", "status", "error"],
  properties: {
    kind: { type: "string", enum: ["start", "cancel", "callback"] },
    n: { type: "integer" },
    at: time,
    durationMs: { type: "integer" },
    status: { type: ["integer", "null"], description: "HTTP; null: there was no answer." },
    error: { type: ["string", "null"] },
  },
  examples: [
    { kind: "start", n: 1, at: example.createdAt, durationMs: 12, status: 201, error: null },
  ],
} as const;

export const AttemptList = {
  $id: "AttemptList",
  type: "object",
  required: ["items"],
  properties: { items: { type: "array", items: { $ref: "Attempt#" } } },
  examples: [{ items: Attempt.examples }],
} as const;

export const Failure = {
  $id: "Failure",
  type: "object",
  description: "A Nexus Failure, as the handler sent it.",
  properties: {
    message: { type: "string" },
    stackTrace: { type: "string" },
    metadata: { type: "object", additionalProperties: { type: "string" } },
    details: {},
    cause: { description: "A Failure again." },
  },
  examples: [{ message: "the data set is empty", metadata: {} }],
} as const;

export const operationSchemas = [
  Operation,
  StartedOperation,
  Attempt,
  AttemptList,
  Failure,
  pageOf("OperationList", "Operation", example),
];

const named = {
  endpoint: endpointName,
  service: segment("profiles"),
  operation: segment("profile"),
};

export const startOperation = {
  method: "POST",
  url: "/v1/endpoints/:endpoint/services/:service/operations/:operation",
  schema: {
    operationId: "startOperation",
    summary: "Start a durable operation",
    description:
      "The body is the input, any bytes with their `Content-*` headers. It is answered at the commit. The same `Nexus-Request-Id` with the same input answers with the same operation.",
    tags,
    consumes: ["*/*"],
    params: pathOf(named),
    querystring: {
      type: "object",
      additionalProperties: false,
      properties: {
        callback: { type: "string", maxLength: 4000, description: "Where the end is reported." },
      },
    },
    headers: {
      type: "object",
      properties: {
        "nexus-request-id": { type: "string", description: "Makes a repeat harmless." },
        "operation-timeout": { type: "string", description: "From the start to the end: `30s`." },
        "nexus-mesh-schedule-to-start": { type: "string" },
        "nexus-mesh-start-to-close": { type: "string" },
        ...actingNamespace,
      },
    },
    response: {
      200: json("StartedOperation", "The request id is known: this is its operation.", {
        Location: { type: "string" },
      }),
      201: json("StartedOperation", "Accepted and committed.", { Location: { type: "string" } }),
      ...problems(
        "INVALID_NAME",
        "INVALID_TIMEOUT",
        "INVALID_CALLBACK_URL",
        "INVALID_LINK",
        "EGRESS_DENIED",
        "NAMESPACE_REQUIRED",
        "NAMESPACE_NOT_FOUND",
        "GRANT_MISSING",
        "ENDPOINT_NOT_FOUND",
        "REQUEST_ID_REUSED",
        "PAYLOAD_TOO_LARGE",
        "OVERLOADED",
        "DRAINING",
      ),
    },
  },
} as const;

export const lookupOperation = {
  method: "GET",
  url: "/v1/endpoints/:endpoint/services/:service/operations/:operation/requests/:requestId",
  schema: {
    operationId: "lookupOperation",
    summary: "The operation of a request id",
    tags,
    params: pathOf({ ...named, requestId: segment("order-4711") }),
    headers: { type: "object", properties: actingNamespace },
    response: {
      200: json("Operation", "The operation that the caller's namespace started with it."),
      ...problems(
        "INVALID_NAME",
        "NAMESPACE_REQUIRED",
        "NAMESPACE_NOT_FOUND",
        "ENDPOINT_NOT_FOUND",
        "OPERATION_NOT_FOUND",
      ),
    },
  },
} as const;

export const listOperations = {
  method: "GET",
  url: "/v1/operations",
  schema: {
    operationId: "listOperations",
    summary: "List operations",
    tags,
    querystring: listQuery({
      view: {
        type: "string",
        enum: ["made", "served"],
        description: "Those that the namespace started (unless set), or those of its endpoints.",
      },
      state: {
        type: "string",
        pattern: `^(${state.enum.join("|")})(,(${state.enum.join("|")}))*$`,
        description: "One or more states, with commas between.",
        examples: ["started,parked"],
      },
      endpoint: endpointName,
      service: segment("profiles"),
      operation: segment("profile"),
      caller: namespaceName,
      after: { ...time, description: "Created at or after." },
      before: { ...time, description: "Created before." },
    }),
    headers: { type: "object", properties: actingNamespace },
    response: {
      200: json("OperationList", "Newest first."),
      ...problems("INVALID_CURSOR", "NAMESPACE_NOT_FOUND", "ENDPOINT_NOT_FOUND"),
    },
  },
} as const;

export const getOperation = {
  method: "GET",
  url: "/v1/operations/:operationId",
  schema: {
    operationId: "getOperation",
    summary: "One operation",
    tags,
    params,
    querystring: waitQuery,
    response: {
      200: json("Operation", "As it is when the wait is over."),
      ...problems("OPERATION_NOT_FOUND", "INVALID_TIMEOUT", "DRAINING"),
    },
  },
} as const;

export const getOperationResult = {
  method: "GET",
  url: "/v1/operations/:operationId/result",
  schema: {
    operationId: "getOperationResult",
    summary: "An operation's result",
    tags,
    params,
    querystring: waitQuery,
    response: {
      200: {
        description: "The result's bytes with their `Content-*` headers.",
        content: { "*/*": { schema: { type: "string", format: "binary" } } },
      },
      202: json("Operation", "It has not ended yet."),
      424: json("Failure", "It failed; `Nexus-Operation-State` says how it ended.", {
        "Nexus-Operation-State": {
          type: "string",
          enum: ["failed", "canceled", "timed_out", "terminated"],
        },
      }),
      ...problems("OPERATION_NOT_FOUND", "INVALID_TIMEOUT", "DRAINING"),
    },
  },
} as const;

export const listAttempts = {
  method: "GET",
  url: "/v1/operations/:operationId/attempts",
  schema: {
    operationId: "listAttempts",
    summary: "What was tried for an operation",
    tags,
    params,
    response: {
      200: json("AttemptList", "Oldest first."),
      ...problems("OPERATION_NOT_FOUND"),
    },
  },
} as const;
