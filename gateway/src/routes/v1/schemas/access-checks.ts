import { endpointName, json, namespaceName, segment } from "./parameters.ts";
import { problems } from "./problem.ts";

export const AccessCheckInput = {
  $id: "AccessCheckInput",
  type: "object",
  required: ["caller", "endpoint", "service", "operation"],
  additionalProperties: false,
  properties: {
    caller: namespaceName,
    endpoint: endpointName,
    service: segment("profiles"),
    operation: segment("profile"),
  },
  examples: [
    { caller: "storefront", endpoint: "analytics", service: "profiles", operation: "profile" },
  ],
} as const;

export const AccessCheck = {
  $id: "AccessCheck",
  type: "object",
  required: ["allowed", "rule", "hint"],
  properties: {
    allowed: { type: "boolean" },
    rule: { type: ["string", "null"], description: "The id of the grant that allows it." },
    hint: { type: ["string", "null"], description: "What would allow it." },
  },
  examples: [{ allowed: true, rule: "storefront-profiles", hint: null }],
} as const;

export const accessCheckSchemas = [AccessCheckInput, AccessCheck];

export const checkAccess = {
  method: "POST",
  url: "/v1/access-checks",
  schema: {
    operationId: "checkAccess",
    summary: "May this namespace start this operation?",
    tags: ["grants"],
    body: { $ref: "AccessCheckInput#" },
    response: {
      200: json("AccessCheck", "The answer that a start would get now."),
      ...problems("NAMESPACE_NOT_FOUND", "ENDPOINT_NOT_FOUND", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;
