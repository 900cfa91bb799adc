import {
  conditionHeaders,
  json,
  listQuery,
  namespaceName,
  noContent,
  pageOf,
  pathOf,
  time,
} from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["namespaces"];
const params = pathOf({ namespace: namespaceName });
const example = {
  name: "storefront",
  description: "The shop's application team",
  createdAt: "2026-08-14T09:30:00.000Z",
};
const description = { type: "string", maxLength: 20_000, default: "" } as const;

export const Namespace = {
  $id: "Namespace",
  type: "object",
  required: ["name", "description", "createdAt"],
  properties: { name: namespaceName, description, createdAt: time },
  examples: [example],
} as const;

export const NamespaceInput = {
  $id: "NamespaceInput",
  type: "object",
  additionalProperties: false,
  properties: { description },
  examples: [{ description: example.description }],
} as const;

export const namespaceSchemas = [
  Namespace,
  NamespaceInput,
  pageOf("NamespaceList", "Namespace", example),
];

export const listNamespaces = {
  method: "GET",
  url: "/v1/namespaces",
  schema: {
    operationId: "listNamespaces",
    summary: "List the namespaces",
    tags,
    querystring: listQuery(),
    response: { 200: json("NamespaceList", "Newest first."), ...problems("INVALID_CURSOR") },
  },
} as const;

export const getNamespace = {
  method: "GET",
  url: "/v1/namespaces/:namespace",
  schema: {
    operationId: "getNamespace",
    summary: "One namespace",
    tags,
    params,
    response: {
      200: json("Namespace", "The namespace."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND"),
    },
  },
} as const;

export const putNamespace = {
  method: "PUT",
  url: "/v1/namespaces/:namespace",
  schema: {
    operationId: "putNamespace",
    summary: "Create or replace a namespace",
    tags,
    params,
    headers: conditionHeaders(false),
    body: { $ref: "NamespaceInput#" },
    response: {
      200: json("Namespace", "It was there and is replaced."),
      201: json("Namespace", "It is new."),
      ...problems("INVALID_NAME", "VERSION_CONFLICT", "ALREADY_EXISTS", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const deleteNamespace = {
  method: "DELETE",
  url: "/v1/namespaces/:namespace",
  schema: {
    operationId: "deleteNamespace",
    summary: "Delete a namespace",
    description: "Refused while it owns endpoints or has operations that run.",
    tags,
    params,
    response: {
      204: noContent("It is gone."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "IN_USE"),
    },
  },
} as const;
