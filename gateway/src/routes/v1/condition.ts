import type { Condition } from "@nexus-mesh/registry/registry";
import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "../../api-error.ts";

/** `If-None-Match: *`, `If-Match: "<version>"` or neither. */
export function readCondition(headers: IncomingHttpHeaders, versioned: boolean): Condition {
  const match = headers["if-match"];
  const noneMatch = headers["if-none-match"];
  if (match !== undefined && noneMatch !== undefined) {
    throw malformed("If-Match", "one condition", "If-Match and If-None-Match exclude each other");
  }
  if (noneMatch !== undefined) {
    if (noneMatch !== "*") throw malformed("If-None-Match", "*", 'must be "*"');
    return "absent";
  }
  if (match === undefined) return "any";
  if (!versioned) throw malformed("If-Match", "no version", "this resource has no version");
  const [, version] = /^"(\d{1,15})"$/.exec(match) ?? [];
  if (version === undefined) {
    throw malformed("If-Match", "version", 'must be the ETag that was read, such as "3"');
  }
  return { version: Number(version) };
}

export function etagOf(version: number): string {
  return `"${version}"`;
}

function malformed(header: string, rule: string, detail: string): ApiError {
  return new ApiError("INVALID_REQUEST", `${header}: ${detail}`, {
    violations: [{ pointer: `header:${header}`, rule, detail }],
  });
}
