import type { components, operations } from "@nexus-mesh/openapi/types";

/** A named schema of the document. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/**
 * The types of a route, read from the generated document: a field that leaves its schema no longer compiles here, in
 * the SDK and in the CLI.
 */
export interface Route<Id extends keyof operations> {
  Params: NonNullable<operations[Id]["parameters"]["path"]>;
  Querystring: NonNullable<operations[Id]["parameters"]["query"]>;
  Body: operations[Id] extends { requestBody?: infer R } ? Content<NonNullable<R>> : undefined;
  Reply: { [S in keyof operations[Id]["responses"]]: Content<operations[Id]["responses"][S]> };
}

type Content<R> = R extends { content: { "application/json": infer J } }
  ? J
  : R extends { content: { "application/problem+json": infer P } }
    ? P
    : R extends { content: { "*/*": unknown } | { "multipart/mixed": unknown } }
      ? Buffer | undefined
      : undefined;
