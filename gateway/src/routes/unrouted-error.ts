import type { ApiError } from "../api-error.ts";
import { failureOf } from "./nexus-error.ts";
import { problemOf } from "./v1/problem.ts";

export interface UnroutedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * What ends a connection before there is a path that would say who reads the answer: one document with the members of
 * a problem and those of a Failure. Plain JSON, for a Nexus client looks into nothing else; there the type in the body
 * beats statuses that Nexus does not know.
 */
export function unroutedError(error: ApiError): UnroutedError {
  const body = Buffer.from(JSON.stringify({ ...problemOf(error), ...failureOf(error) }));
  return {
    status: error.status,
    headers: {
      "content-type": "application/json",
      "content-length": String(body.length),
      connection: "close",
    },
    body,
  };
}
