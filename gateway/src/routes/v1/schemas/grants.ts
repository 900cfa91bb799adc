import { endpointName, json, listQuery, noContent, pageOf, pathOf, time } from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["grants"];
const grantId = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
  maxLength: 100,
  examples: ["storefront-profiles"],
} as const;
const params = pathOf({ endpoint: endpointName, grant: grantId });
const example = {
  id: "storefront-profiles",
  endpoint: "analytics",
  caller: "storefront",
  service: "profiles",
  operation: "*",
  createdAt: "2026-08-14T09:30:00.000Z",
};
const pattern = (description: string, text: string) =>
  ({ type: "string", minLength: 1, maxLength: 200, description, examples: [text] }) as const;
const patterns = {
  caller: {
    ...pattern("A namespace, or a pattern with `*`.", "storefront"),
    pattern: "^[a-z0-9*-]+$",
  },
  service: pattern("A service, or a pattern with `*`.", "profiles"),
  operation: pattern("An operation, or a pattern with `*`.", "*"),
} as const;

export const Grant = {
  $id: "Grant",
  type: "object",
  required: ["id", "endpoint", "caller", "service", "operation", "createdAt"],
  properties: { id: grantId, endpoint: endpointName, ...patterns, createdAt: time },
  examples: [example],
} as const;

export const GrantInput = {
  $id: "GrantInput",
  type: "object",
  required: ["caller"],
  additionalProperties: false,
  properties: {
    caller: patterns.caller,
    service: { ...patterns.service, default: "*" },
    operation: { ...patterns.operation, default: "*" },
  },
  examples: [{ caller: "storefront", service: "profiles", operation: "*" }],
} as const;

export const grantSchemas = [Grant, GrantInput, pageOf("GrantList", "Grant", example)];

export const listGrants = {
  method: "GET",
  url: "/v1/endpoints/:endpoint/grants",
  schema: {
    operationId: "listGrants",
    summary: "List an endpoint's grants",
    tags,
    params: pathOf({ endpoint: endpointName }),
    querystring: listQuery(),
    response: {
      200: json("GrantList", "Newest first."),
      ...problems("INVALID_NAME", "ENDPOINT_NOT_FOUND", "INVALID_CURSOR"),
    },
  },
} as const;

export const putGrant = {
  method: "PUT",
  url: "/v1/endpoints/:endpoint/grants/:grant",
  schema: {
    operationId: "putGrant",
    summary: "Allow a namespace to start operations of an endpoint",
    tags,
    params,
    body: { $ref: "GrantInput#" },
    response: {
      200: json("Grant", "It was there and is replaced."),
      201: json("Grant", "It is new."),
      ...problems("INVALID_NAME", "ENDPOINT_NOT_FOUND", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const deleteGrant = {
  method: "DELETE",
  url: "/v1/endpoints/:endpoint/grants/:grant",
  schema: {
    operationId: "deleteGrant",
    summary: "Withdraw a grant",
    description: "New starts are refused within a second; running operations go on.",
    tags,
    params,
    response: {
      204: noContent("It is gone."),
      ...problems("INVALID_NAME", "ENDPOINT_NOT_FOUND", "GRANT_NOT_FOUND"),
    },
  },
} as const;
