import { problems } from "./schemas/problem.ts";

export const failureBody = {
  description: "A whole Nexus Failure.",
  content: { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } },
};

export const rawBody = {
  description: "The input: any bytes with their `Content-*` headers.",
  content: { "*/*": { schema: { type: "string", format: "binary" } } },
};

/**
 * Routes that Fastify cannot describe: the Nexus paths are wildcards that split the raw URL, and the server's own
 * routes have no schema.
 */
export function documentedPaths(): Record<string, object> {
  const failure = { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } };
  const endpoint = pathParameter("endpoint", "analytics");
  const service = pathParameter("service", "profiles");
  const operation = pathParameter("operation", "profile");
  const errors: [number, string][] = [
    [400, "BAD_REQUEST"],
    [401, "UNAUTHENTICATED"],
    [403, "UNAUTHORIZED: no grant, with the command that would give it"],
    [404, "NOT_FOUND"],
    [409, "CONFLICT: the request id was used with other input"],
    [429, "RESOURCE_EXHAUSTED"],
    [500, "INTERNAL"],
    [503, "UNAVAILABLE"],
    [520, "UPSTREAM_TIMEOUT"],
  ];
  const handlerErrors: Record<string, object> = Object.fromEntries(
    errors.map(([status, description]) => [status, { description, content: failure }]),
  );
  const cancelResponses = {
    202: { description: "Recorded, or the operation has ended already." },
    ...handlerErrors,
  };
  return {
    "/nexus/endpoints/{endpoint}/services/{service}/{operation}": {
      post: {
        operationId: "startNexusOperation",
        summary: "Start an operation, as Nexus over HTTP says",
        description:
          "Pass-through unless the endpoint or `Prefer: respond-async` makes it durable. `code` of the error table is in the failure's metadata.",
        tags: ["nexus"],
        parameters: [
          endpoint,
          service,
          operation,
          query("callback", "Where the completion goes.", "https://storefront.example.com/done"),
          header("Nexus-Request-Id", "order-4711"),
          header("Request-Timeout", "10s"),
          header("Operation-Timeout", "30m"),
          header("Nexus-Mesh-Namespace", "storefront"),
        ],
        requestBody: rawBody,
        responses: {
          200: {
            description: "The result, synchronously.",
            content: { "*/*": { schema: { type: "string", format: "binary" } } },
          },
          201: {
            description: "It runs; the token is the operation's id.",
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  required: ["token", "state"],
                  properties: { token: { type: "string" }, state: { type: "string" } },
                },
                example: { token: "01981f6e-7c1a-7e2b-8d3c-4e5f60718293", state: "running" },
              },
            },
          },
          424: { description: "The operation failed or was canceled.", content: failure },
          ...handlerErrors,
        },
      },
    },
    "/nexus/endpoints/{endpoint}/services/{service}/{operation}/cancel": {
      post: {
        operationId: "cancelNexusOperation",
        summary: "Cancel an operation, as Nexus over HTTP says",
        tags: ["nexus"],
        parameters: [
          endpoint,
          service,
          operation,
          {
            ...header("Nexus-Operation-Token", "01981f6e-7c1a-7e2b-8d3c-4e5f60718293"),
            description: "The token that the start gave; `?token=` is read as well.",
          },
        ],
        responses: cancelResponses,
      },
    },
    "/nexus/endpoints/{endpoint}/services/{service}/{operation}/{token}/cancel": {
      post: {
        operationId: "cancelNexusOperationByPath",
        summary: "Cancel an operation, in the form of Temporal up to 1.29",
        tags: ["nexus"],
        parameters: [
          endpoint,
          service,
          operation,
          pathParameter("token", "01981f6e-7c1a-7e2b-8d3c-4e5f60718293"),
        ],
        responses: cancelResponses,
      },
    },
    "/nexus/callback": {
      post: {
        operationId: "completeNexusOperation",
        summary: "Report how an operation ended",
        description:
          "For handlers. The URL and the token come with the start as its callback; the token alone authorises.",
        tags: ["nexus"],
        security: [{ callbackToken: [] }],
        parameters: [
          {
            ...header("Nexus-Operation-State", "succeeded"),
            required: true,
            schema: { type: "string", enum: ["succeeded", "failed", "canceled"] },
          },
          header("Nexus-Operation-Token", "profile-4711"),
        ],
        requestBody: {
          description: "The result's bytes, or a Failure.",
          content: { "*/*": { schema: { type: "string", format: "binary" } } },
        },
        responses: {
          200: { description: "Recorded. A repeat of the same completion gets the same answer." },
          400: {
            description: "BAD_REQUEST: INVALID_CALLBACK_TOKEN, or malformed.",
            content: failure,
          },
          404: { description: "NOT_FOUND: the operation has ended otherwise.", content: failure },
          503: { description: "UNAVAILABLE: send it again later.", content: failure },
        },
      },
    },
    "/.well-known/jwks.json": {
      get: {
        operationId: "getJwks",
        summary: "The public keys of tokens, caller identities and webhooks",
        tags: ["server"],
        security: [],
        responses: {
          200: {
            description: "A JWK set.",
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  required: ["keys"],
                  properties: {
                    keys: { type: "array", items: { type: "object", additionalProperties: true } },
                  },
                },
                example: { keys: [{ kty: "OKP", crv: "Ed25519", kid: "2026-08", x: "11qYAYKx" }] },
              },
            },
          },
          ...documentProblems(500),
        },
      },
    },
    "/healthz": {
      get: {
        operationId: "live",
        summary: "The process answers",
        tags: ["server"],
        security: [],
        responses: {
          200: {
            description: "It does.",
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  required: ["status"],
                  properties: { status: { type: "string" } },
                },
                example: { status: "ok" },
              },
            },
          },
          ...documentProblems(500),
        },
      },
    },
  };
}

function pathParameter(name: string, example: string): object {
  return { name, in: "path", required: true, schema: { type: "string" }, example };
}

function query(name: string, description: string, example: string): object {
  return { name, in: "query", description, schema: { type: "string" }, example };
}

function header(name: string, example: string): object {
  return { name, in: "header", schema: { type: "string" }, example };
}

/** The same text as the routes' own, with the document's form of a reference. */
function documentProblems(status: number): Record<number, object> {
  const all = problems();
  const text = JSON.stringify(all[status]).replaceAll("Problem#", "#/components/schemas/Problem");
  return { [status]: JSON.parse(text) as object };
}
