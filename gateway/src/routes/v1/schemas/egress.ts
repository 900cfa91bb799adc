import { conditionHeaders, etag, json, namespaceName, pathOf } from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["egress"];
const params = pathOf({ namespace: namespaceName });
const rule = {
  host: "*.insights.example.com",
  ports: [443],
  cidrs: ["10.0.0.0/8"],
  plainHttp: false,
};

export const EgressRule = {
  $id: "EgressRule",
  type: "object",
  required: ["host"],
  additionalProperties: false,
  properties: {
    host: {
      type: "string",
      minLength: 1,
      maxLength: 253,
      description: "An exact host, an IP literal, `*.example.com` or `*`.",
    },
    ports: {
      type: "array",
      maxItems: 50,
      items: { type: "integer", minimum: 0, maximum: 65_535 },
      description: "Empty: 443, and 80 where plainHttp is set. 0: any port.",
      default: [],
    },
    cidrs: {
      type: "array",
      maxItems: 50,
      items: { type: "string", maxLength: 50 },
      description: "Ranges its address may lie in although they are private or loopback.",
      default: [],
    },
    plainHttp: { type: "boolean", default: false },
  },
  examples: [rule],
} as const;

const rules = { type: "array", maxItems: 200, items: { $ref: "EgressRule#" } } as const;

export const EgressPolicy = {
  $id: "EgressPolicy",
  type: "object",
  required: ["version", "rules"],
  properties: {
    version: { type: "integer" },
    rules: {
      type: "array",
      items: {
        type: "object",
        required: ["host", "ports", "cidrs", "plainHttp"],
        properties: EgressRule.properties,
      },
    },
  },
  examples: [{ version: 1, rules: [rule] }],
} as const;

export const EgressPolicyInput = {
  $id: "EgressPolicyInput",
  type: "object",
  required: ["rules"],
  additionalProperties: false,
  properties: { rules },
  examples: [{ rules: [rule] }],
} as const;

export const egressSchemas = [EgressRule, EgressPolicy, EgressPolicyInput];

export const getEgressPolicy = {
  method: "GET",
  url: "/v1/namespaces/:namespace/egress",
  schema: {
    operationId: "getEgressPolicy",
    summary: "Where a namespace's requests may go",
    tags,
    params,
    response: {
      200: json("EgressPolicy", "No rules: public https hosts only.", etag),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND"),
    },
  },
} as const;

export const putEgressPolicy = {
  method: "PUT",
  url: "/v1/namespaces/:namespace/egress",
  schema: {
    operationId: "putEgressPolicy",
    summary: "Replace a namespace's egress policy",
    tags,
    params,
    headers: conditionHeaders(true),
    body: { $ref: "EgressPolicyInput#" },
    response: {
      200: json("EgressPolicy", "The policy with its new version.", etag),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "VERSION_CONFLICT", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;
