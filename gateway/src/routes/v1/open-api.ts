import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { documentedPaths, failureBody, rawBody } from "./documented-paths.ts";
import { accessCheckSchemas } from "./schemas/access-checks.ts";
import { callbackSecretSchemas } from "./schemas/callback-secret.ts";
import { callbackSchemas } from "./schemas/callbacks.ts";
import { egressSchemas } from "./schemas/egress.ts";
import { endpointSchemas } from "./schemas/endpoints.ts";
import { grantSchemas } from "./schemas/grants.ts";
import { namespaceSchemas } from "./schemas/namespaces.ts";
import { operationActionSchemas } from "./schemas/operation-actions.ts";
import { operationSchemas } from "./schemas/operations.ts";
import { watchSchemas } from "./schemas/watch.ts";
import { Problem } from "./schemas/problem.ts";
import { queueSchemas } from "./schemas/queues.ts";
import { serverSchemas } from "./schemas/server.ts";
import { tokenSchemas } from "./schemas/tokens.ts";

export const apiVersion = "0.1.0";

const startPath = "/v1/endpoints/{endpoint}/services/{service}/operations/{operation}";

/** Before the first route: the generator sees only what is registered after it. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  for (const schema of [
    Problem,
    ...serverSchemas,
    ...namespaceSchemas,
    ...tokenSchemas,
    ...callbackSecretSchemas,
    ...egressSchemas,
    ...endpointSchemas,
    ...grantSchemas,
    ...accessCheckSchemas,
    ...operationSchemas,
    ...operationActionSchemas,
    ...watchSchemas,
    ...callbackSchemas,
    ...queueSchemas,
  ]) {
    app.addSchema(schema);
  }
  await app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Nexus Mesh",
        version: apiVersion,
        description:
          "The gateway of a service mesh for Nexus operations. Payloads are raw bytes with `Content-*` headers, times RFC 3339 in UTC, durations `30s`. Errors are `application/problem+json` with a stable `code`. A request that can't be read at all, or expects what no server can do, is answered 400, 408, 413, 417 or 431 on any path, by `application/json` with the members of a problem and those of a Nexus Failure.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/", description: "The gateway that serves this document." }],
      security: [{ bearer: [] }, { basic: [] }],
      tags: [
        { name: "nexus", description: "Nexus over HTTP: start, cancel, complete." },
        { name: "operations", description: "Durable operations and their results." },
        { name: "queues", description: "Tasks for workers that poll, and their answers." },
        { name: "callbacks", description: "Deliveries of completions to callers." },
        { name: "endpoints", description: "What a team exposes." },
        { name: "grants", description: "Who may start what." },
        { name: "namespaces", description: "The teams of the mesh." },
        { name: "tokens", description: "Credentials of a namespace." },
        { name: "callback secrets", description: "What signs a namespace's callbacks." },
        { name: "egress", description: "Where a namespace's requests may go." },
        { name: "server", description: "This gateway and the caller's identity." },
      ],
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "A mesh token." },
          basic: { type: "http", scheme: "basic", description: "A mesh token as the password." },
          callbackToken: {
            type: "apiKey",
            in: "header",
            name: "Nexus-Mesh-Completion-Token",
            description: "Given to the handler with the start.",
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, i) =>
        typeof json.$id === "string" ? json.$id : `def-${i}`,
    },
    transformObject: (document) => {
      if (!("openapiObject" in document)) throw new Error("the document is OpenAPI 3");
      const { openapiObject } = document;
      const paths = openapiObject.paths ?? {};
      Object.assign(paths, documentedPaths());
      // A body schema at the route would make Fastify validate the bytes as JSON.
      for (const path of [startPath, "/v1/tasks/complete"])
        Object.assign(paths[path]?.post ?? {}, { requestBody: rawBody });
      Object.assign(paths["/v1/tasks/fail"]?.post ?? {}, { requestBody: failureBody });
      return openapiObject;
    },
  });
  // Nothing from elsewhere: the page works in a network without a way out.
  await app.register(swaggerUi, { routePrefix: "/docs", uiConfig: { validatorUrl: null } });
}
