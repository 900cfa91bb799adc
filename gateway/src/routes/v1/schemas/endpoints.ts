import { defaultEndpointPolicy as defaults } from "@nexus-mesh/registry/registry";
import { writeDuration } from "../duration-field.ts";
import {
  conditionHeaders,
  duration,
  endpointName,
  etag,
  json,
  listQuery,
  namespaceName,
  noContent,
  pageOf,
  pathOf,
  queueName,
  time,
} from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["endpoints"];
const params = pathOf({ endpoint: endpointName });
const policyExample = {
  scheduleToClose: "86400s",
  inlineWait: "1s",
  maxAttempts: null,
  dedupeWindow: "86400s",
  durable: false,
};
const example = {
  name: "analytics",
  owner: "insights",
  description: "Profiles of data sets",
  target: { kind: "http", url: "https://handler.insights.example.com/nexus" },
  policy: policyExample,
  version: 1,
  createdAt: "2026-08-14T09:30:00.000Z",
  updatedAt: "2026-08-14T09:30:00.000Z",
};
const target = {
  type: "object",
  description:
    "`http` with its `url`, or `queue` with the name of a queue of the owner's namespace.",
  required: ["kind"],
  additionalProperties: false,
  properties: {
    kind: { type: "string", enum: ["http", "queue"] },
    url: { type: "string", maxLength: 2000, description: "Where the handler serves Nexus." },
    queue: { ...queueName, description: "What the owner's workers poll; made when it is new." },
  },
} as const;
const policy = {
  scheduleToClose: {
    ...duration,
    description: "Default time from the start to the end. `none`: no limit.",
    default:
      defaults.scheduleToCloseMs === null ? "none" : writeDuration(defaults.scheduleToCloseMs),
    examples: ["86400s"],
  },
  inlineWait: {
    ...duration,
    description: "How long a durable start waits for the first attempt.",
    default: writeDuration(defaults.inlineWaitMs),
    examples: ["1s"],
  },
  maxAttempts: {
    type: ["integer", "null"],
    minimum: 1,
    maximum: 1_000_000,
    description: "Attempts before the operation is parked; null: no cap.",
    default: defaults.maxAttempts,
  },
  dedupeWindow: {
    ...duration,
    description: "How long a request id is remembered after the end; at least one hour.",
    default: writeDuration(defaults.dedupeWindowMs),
    examples: ["86400s"],
  },
  durable: {
    type: "boolean",
    description: "Every start is durable, whatever the caller asks.",
    default: defaults.durable,
  },
} as const;
/** 20,000 bytes at most; the handler counts them, since JSON Schema counts characters. */
const description = {
  type: "string",
  maxLength: 20_000,
  description: "Markdown.",
  default: "",
} as const;

export const Endpoint = {
  $id: "Endpoint",
  type: "object",
  required: [
    "name",
    "owner",
    "description",
    "target",
    "policy",
    "version",
    "createdAt",
    "updatedAt",
  ],
  properties: {
    name: endpointName,
    owner: namespaceName,
    description,
    target,
    policy: { type: "object", required: Object.keys(policy), properties: policy },
    version: { type: "integer" },
    createdAt: time,
    updatedAt: time,
  },
  examples: [example],
} as const;

export const EndpointInput = {
  $id: "EndpointInput",
  type: "object",
  required: ["target"],
  additionalProperties: false,
  properties: {
    owner: {
      ...namespaceName,
      description: "The owner that it has, or else the caller's namespace, unless set.",
      examples: ["insights"],
    },
    description,
    target,
    policy: {
      type: "object",
      additionalProperties: false,
      properties: policy,
      description: "What is left out gets its default.",
    },
  },
  examples: [
    { owner: "insights", description: example.description, target: example.target, policy: {} },
  ],
} as const;

export const endpointSchemas = [
  Endpoint,
  EndpointInput,
  pageOf("EndpointList", "Endpoint", example),
];

export const listEndpoints = {
  method: "GET",
  url: "/v1/endpoints",
  schema: {
    operationId: "listEndpoints",
    summary: "List the endpoints",
    tags,
    querystring: listQuery({ owner: { ...namespaceName, description: "Only this owner's." } }),
    response: { 200: json("EndpointList", "Newest first."), ...problems("INVALID_CURSOR") },
  },
} as const;

export const getEndpoint = {
  method: "GET",
  url: "/v1/endpoints/:endpoint",
  schema: {
    operationId: "getEndpoint",
    summary: "One endpoint",
    tags,
    params,
    response: {
      200: json("Endpoint", "The endpoint.", etag),
      ...problems("INVALID_NAME", "ENDPOINT_NOT_FOUND"),
    },
  },
} as const;

export const putEndpoint = {
  method: "PUT",
  url: "/v1/endpoints/:endpoint",
  schema: {
    operationId: "putEndpoint",
    summary: "Create or replace an endpoint",
    tags,
    params,
    headers: conditionHeaders(true),
    body: { $ref: "EndpointInput#" },
    response: {
      200: json("Endpoint", "It was there and is replaced.", etag),
      201: json("Endpoint", "It is new.", etag),
      ...problems(
        "INVALID_NAME",
        "INVALID_TIMEOUT",
        "INVALID_TARGET_URL",
        "EGRESS_DENIED",
        "NAMESPACE_REQUIRED",
        "NAMESPACE_NOT_FOUND",
        "ALREADY_EXISTS",
        "VERSION_CONFLICT",
        "PAYLOAD_TOO_LARGE",
      ),
    },
  },
} as const;

export const deleteEndpoint = {
  method: "DELETE",
  url: "/v1/endpoints/:endpoint",
  schema: {
    operationId: "deleteEndpoint",
    summary: "Delete an endpoint",
    description: "Refused while operations of it run.",
    tags,
    params,
    headers: conditionHeaders(true),
    response: {
      204: noContent("It is gone."),
      ...problems("INVALID_NAME", "ENDPOINT_NOT_FOUND", "IN_USE", "VERSION_CONFLICT"),
    },
  },
} as const;
