import { problems } from "./problem.ts";
import { json } from "./parameters.ts";

const tags = ["server"];

export const Version = {
  $id: "Version",
  type: "object",
  required: ["name", "version", "publicUrl"],
  properties: {
    name: { type: "string" },
    version: { type: "string" },
    publicUrl: { type: "string", description: "What callers and handlers reach." },
  },
  examples: [{ name: "nexus-mesh", version: "0.1.0", publicUrl: "https://mesh.example.com" }],
} as const;

export const Whoami = {
  $id: "Whoami",
  type: "object",
  required: ["subject", "tokenId", "role", "namespace", "meshWide"],
  properties: {
    subject: { type: "string" },
    tokenId: { type: "string" },
    role: { type: "string", enum: ["admin", "owner", "caller", "handler", "viewer"] },
    namespace: {
      type: ["string", "null"],
      description: "null: a mesh-wide token, and the request names no namespace to act for.",
    },
    meshWide: { type: "boolean" },
  },
  examples: [
    {
      subject: "ci@storefront",
      tokenId: "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
      role: "caller",
      namespace: "storefront",
      meshWide: false,
    },
  ],
} as const;

export const serverSchemas = [Version, Whoami];

export const getVersion = {
  method: "GET",
  url: "/v1/version",
  schema: {
    operationId: "getVersion",
    summary: "The gateway's version",
    tags,
    response: { 200: json("Version", "What answers here."), ...problems() },
  },
} as const;

export const whoami = {
  method: "GET",
  url: "/v1/whoami",
  schema: {
    operationId: "whoami",
    summary: "Who the credential speaks for",
    tags,
    response: { 200: json("Whoami", "The principal."), ...problems("NAMESPACE_NOT_FOUND") },
  },
} as const;
