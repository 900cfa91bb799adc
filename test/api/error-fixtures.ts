import type { ApiErrorCode } from "../../gateway/src/api-error.ts";
import type { ApiCall } from "./call-api.ts";
import { maxPayloadBytes, type ErrorWorld } from "./error-world.ts";

export interface ErrorFixture {
  /** Text is bytes for a socket, where no client would send them. */
  readonly request: (world: ErrorWorld) => ApiCall | string;
  /** What of the input is to blame; absent where it isn't the input. */
  readonly blames?: { readonly pointer: string; readonly rule: string };
  readonly at?: Parameters<ErrorWorld["call"]>[1];
  /** The code travels in a Nexus failure. */
  readonly nexus?: true;
  /** There is no path yet: one answer for both kinds of reader. */
  readonly unrouted?: true;
}

const unknownId = "01900000-0000-7000-8000-000000000000";
const start = "/v1/endpoints/analytics/services/s/operations/o";
const nexusNever = "/nexus/endpoints/analytics/services/s/never";
const target = (url: string) => ({ target: { kind: "http", url } });

/** One request for each code; tsc refuses a code without one. */
export const errorFixtures: Readonly<Record<ApiErrorCode, ErrorFixture>> = {
  INVALID_REQUEST: {
    request: ({ admin }) => ({
      method: "PUT",
      path: "/v1/namespaces/added",
      token: admin,
      json: { colour: "blue" },
    }),
    blames: { pointer: "/colour", rule: "additionalProperties" },
  },
  INVALID_NAME: {
    request: ({ admin }) => ({
      method: "PUT",
      path: "/v1/namespaces/Bad_Name",
      token: admin,
      json: {},
    }),
    blames: { pointer: "path:namespace", rule: "pattern" },
  },
  INVALID_TIMEOUT: {
    request: ({ caller }) => ({
      method: "POST",
      path: start,
      token: caller,
      headers: { "operation-timeout": "soon" },
    }),
    blames: { pointer: "header:operation-timeout", rule: "duration" },
  },
  INVALID_CALLBACK_URL: {
    request: ({ caller }) => ({ method: "POST", path: `${start}?callback=nowhere`, token: caller }),
    blames: { pointer: "query:callback", rule: "url" },
  },
  INVALID_TARGET_URL: {
    request: ({ owner }) => ({
      method: "PUT",
      path: "/v1/endpoints/added",
      token: owner,
      json: target("ftp://127.0.0.1/"),
    }),
    blames: { pointer: "/target/url", rule: "url" },
  },
  EGRESS_DENIED: {
    request: ({ caller }) => ({
      method: "POST",
      path: `${start}?callback=http://169.254.169.254/latest`,
      token: caller,
    }),
    blames: { pointer: "query:callback", rule: "egress" },
  },
  INVALID_CURSOR: {
    request: ({ caller }) => ({ path: "/v1/operations?cursor=made-up", token: caller }),
    blames: { pointer: "query:cursor", rule: "cursor" },
  },
  INVALID_LINK: {
    request: ({ caller }) => ({
      method: "POST",
      path: start,
      token: caller,
      headers: { "nexus-link": "nonsense" },
    }),
    blames: { pointer: "header:nexus-link", rule: "link" },
  },
  UNAUTHENTICATED: { request: () => ({ path: "/v1/whoami", token: "not-a-token" }) },
  TOKEN_EXPIRED: { request: ({ expired }) => ({ path: "/v1/whoami", token: expired }) },
  TOKEN_REVOKED: { request: ({ revoked }) => ({ path: "/v1/whoami", token: revoked }) },
  NAMESPACE_REQUIRED: {
    request: ({ admin }) => ({ method: "POST", path: start, token: admin }),
    blames: { pointer: "header:nexus-mesh-namespace", rule: "required" },
  },
  PERMISSION_DENIED: {
    request: ({ caller }) => ({
      method: "PUT",
      path: "/v1/namespaces/added",
      token: caller,
      json: {},
    }),
  },
  GRANT_MISSING: { request: ({ stranger }) => ({ method: "POST", path: start, token: stranger }) },
  ROUTE_NOT_FOUND: { request: ({ caller }) => ({ path: "/v1/nothing-here", token: caller }) },
  ENDPOINT_NOT_FOUND: { request: ({ caller }) => ({ path: "/v1/endpoints/nope", token: caller }) },
  NAMESPACE_NOT_FOUND: {
    request: ({ caller }) => ({ path: "/v1/namespaces/nope", token: caller }),
  },
  OPERATION_NOT_FOUND: {
    // It exists, for others.
    request: ({ stranger, running }) => ({ path: `/v1/operations/${running.id}`, token: stranger }),
    blames: { pointer: "path:operationId", rule: "known" },
  },
  CALLBACK_NOT_FOUND: {
    request: ({ caller }) => ({ path: `/v1/callbacks/${unknownId}.0`, token: caller }),
    blames: { pointer: "path:callbackId", rule: "known" },
  },
  GRANT_NOT_FOUND: {
    request: ({ owner }) => ({
      method: "DELETE",
      path: "/v1/endpoints/analytics/grants/nope",
      token: owner,
    }),
  },
  TOKEN_NOT_FOUND: {
    request: ({ owner }) => ({
      method: "DELETE",
      path: `/v1/namespaces/insights/tokens/${unknownId}`,
      token: owner,
    }),
  },
  REQUEST_ID_REUSED: {
    request: ({ caller, running }) => ({
      method: "POST",
      path: start,
      token: caller,
      headers: { "nexus-request-id": running.requestId },
      raw: "other input",
    }),
    blames: { pointer: "header:nexus-request-id", rule: "same-input" },
  },
  ALREADY_EXISTS: {
    request: ({ admin }) => ({
      method: "PUT",
      path: "/v1/namespaces/storefront",
      token: admin,
      headers: { "if-none-match": "*" },
      json: {},
    }),
    blames: { pointer: "header:If-None-Match", rule: "absent" },
  },
  IN_USE: {
    request: ({ admin }) => ({ method: "DELETE", path: "/v1/namespaces/insights", token: admin }),
  },
  OPERATION_CLOSED: {
    request: ({ owner, terminated }) => ({
      method: "POST",
      path: `/v1/operations/${terminated.id}/terminate`,
      token: owner,
      json: {},
    }),
  },
  OPERATION_OPEN: {
    request: ({ caller, running }) => ({
      method: "POST",
      path: `/v1/operations/${running.id}/redrive`,
      token: caller,
    }),
  },
  QUEUE_NOT_FOUND: {
    request: ({ owner }) => ({ path: "/v1/namespaces/insights/queues/nope", token: owner }),
  },
  LEASE_LOST: {
    request: ({ owner, lostTask }) => ({
      method: "POST",
      path: "/v1/tasks/complete",
      token: owner,
      headers: { "nexus-mesh-task-token": lostTask },
      raw: "too late",
    }),
  },
  INVALID_TASK_TOKEN: {
    request: ({ owner }) => ({
      method: "POST",
      path: "/v1/tasks/complete",
      token: owner,
      headers: { "nexus-mesh-task-token": "made-up" },
      raw: "result",
    }),
    blames: { pointer: "header:nexus-mesh-task-token", rule: "signature" },
  },
  COMPLETION_TOO_LATE: {
    request: ({ terminated }) => ({
      method: "POST",
      path: "/nexus/callback",
      headers: {
        "nexus-mesh-completion-token": terminated.completionToken,
        "nexus-operation-state": "succeeded",
      },
      raw: "too late",
    }),
    nexus: true,
  },
  INVALID_CALLBACK_TOKEN: {
    request: () => ({
      method: "POST",
      path: "/nexus/callback",
      headers: {
        "nexus-mesh-completion-token": "made-up",
        "nexus-operation-state": "succeeded",
      },
      raw: "result",
    }),
    nexus: true,
  },
  VERSION_CONFLICT: {
    request: ({ owner }) => ({
      method: "PUT",
      path: "/v1/endpoints/analytics",
      token: owner,
      headers: { "if-match": '"99"' },
      json: target("http://127.0.0.1:1/"),
    }),
    blames: { pointer: "header:If-Match", rule: "version" },
  },
  PAYLOAD_TOO_LARGE: {
    request: ({ caller }) => ({
      method: "POST",
      path: start,
      token: caller,
      raw: Buffer.alloc(maxPayloadBytes + 1),
    }),
    blames: { pointer: "", rule: "max-bytes" },
  },
  REQUEST_TIMEOUT: {
    request: () => "POST /v1/endpoints HTTP/1.1\r\nHost: slow.test\r\n",
    at: "hasty",
    unrouted: true,
  },
  HEADERS_TOO_LARGE: {
    request: ({ caller }) => ({
      path: "/v1/whoami",
      token: caller,
      headers: { "x-large": "x".repeat(20_000) },
    }),
    unrouted: true,
  },
  EXPECTATION_FAILED: {
    request: () => "GET /v1/whoami HTTP/1.1\r\nHost: gateway.test\r\nExpect: the-moon\r\n\r\n",
    blames: { pointer: "header:Expect", rule: "100-continue" },
    unrouted: true,
  },
  OVERLOADED: {
    request: ({ caller }) => ({ method: "POST", path: start, token: caller, raw: "input" }),
    at: "full",
  },
  INTERNAL: {
    request: () => ({ path: "/v1/operations/{brokenOperation}/attempts" }),
    at: "broken",
  },
  STORE_UNAVAILABLE: {
    request: () => ({ path: `/v1/operations/${unknownId}` }),
    at: "cutOff",
  },
  DRAINING: {
    request: ({ caller }) => ({ method: "POST", path: start, token: caller, raw: "input" }),
    at: "draining",
  },
  HANDLER_UNREACHABLE: {
    request: ({ caller }) => ({
      method: "POST",
      path: "/nexus/endpoints/dead/services/s/o",
      token: caller,
    }),
    nexus: true,
  },
  HANDLER_TIMEOUT: {
    request: ({ caller }) => ({
      method: "POST",
      path: nexusNever,
      token: caller,
      headers: { "request-timeout": "300ms" },
    }),
    nexus: true,
  },
};
