import {
  duration,
  json,
  listQuery,
  namespaceName,
  noContent,
  nullableTime,
  pageOf,
  pathOf,
  time,
} from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["tokens"];
const params = pathOf({ namespace: namespaceName });
const tokenId = {
  type: "string",
  minLength: 1,
  maxLength: 100,
  examples: ["0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40"],
} as const;
const example = {
  id: "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
  namespace: "storefront",
  role: "caller",
  subject: "ci@storefront",
  createdAt: "2026-08-14T09:30:00.000Z",
  expiresAt: "2026-11-12T09:30:00.000Z",
  revokedAt: null,
};
const properties = {
  id: tokenId,
  namespace: { type: ["string", "null"], description: "null: mesh-wide." },
  role: { type: "string", enum: ["admin", "owner", "caller", "handler", "viewer"] },
  subject: { type: "string" },
  createdAt: time,
  expiresAt: nullableTime,
  revokedAt: nullableTime,
} as const;
const required = ["id", "namespace", "role", "subject", "createdAt", "expiresAt", "revokedAt"];

export const Token = {
  $id: "Token",
  type: "object",
  required,
  properties,
  examples: [example],
} as const;

export const IssuedToken = {
  $id: "IssuedToken",
  type: "object",
  required: [...required, "token"],
  properties: {
    ...properties,
    token: { type: "string", description: "The credential. It is shown only here." },
  },
  examples: [{ ...example, token: "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl" }],
} as const;

export const TokenInput = {
  $id: "TokenInput",
  type: "object",
  required: ["role"],
  additionalProperties: false,
  properties: {
    role: { type: "string", enum: ["owner", "caller", "handler", "viewer"] },
    subject: {
      type: "string",
      minLength: 1,
      maxLength: 200,
      description: "Who will hold it, for the audit trail; the namespace's name unless set.",
    },
    expiresIn: {
      ...duration,
      description: "`7776000s` (90 days) unless set.",
      examples: ["7776000s"],
    },
  },
  examples: [{ role: "caller", subject: "ci@storefront", expiresIn: "7776000s" }],
} as const;

export const tokenSchemas = [Token, IssuedToken, TokenInput, pageOf("TokenList", "Token", example)];

export const listTokens = {
  method: "GET",
  url: "/v1/namespaces/:namespace/tokens",
  schema: {
    operationId: "listTokens",
    summary: "List a namespace's tokens",
    tags,
    params,
    querystring: listQuery(),
    response: {
      200: json("TokenList", "Newest first, without the credentials themselves."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "INVALID_CURSOR"),
    },
  },
} as const;

export const issueToken = {
  method: "POST",
  url: "/v1/namespaces/:namespace/tokens",
  schema: {
    operationId: "issueToken",
    summary: "Issue a token for a namespace",
    tags,
    params,
    body: { $ref: "TokenInput#" },
    response: {
      201: json("IssuedToken", "The only answer that holds the credential."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const revokeToken = {
  method: "DELETE",
  url: "/v1/namespaces/:namespace/tokens/:tokenId",
  schema: {
    operationId: "revokeToken",
    summary: "Revoke a token",
    description: "Within a second on every gateway.",
    tags,
    params: pathOf({ namespace: namespaceName, tokenId }),
    response: {
      204: noContent("It is revoked."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "TOKEN_NOT_FOUND"),
    },
  },
} as const;
