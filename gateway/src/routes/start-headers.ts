import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { MalformedLink, parseLinks } from "@nexus-mesh/sdk/protocol/links";
import { ApiError } from "../api-error.ts";

export function assertLinks(value: string | undefined): void {
  if (value === undefined) return;
  try {
    parseLinks([value]);
  } catch (error) {
    if (!(error instanceof MalformedLink)) throw error;
    throw new ApiError("INVALID_LINK", 'invalid "nexus-link" header', {
      violations: [{ pointer: "header:nexus-link", rule: "link", detail: error.message }],
      hint: 'Write <URL>; type="pkg.Type" and percent-encode commas in the URL',
      cause: error,
    });
  }
}

/** `Nexus-Callback-*` without the prefix: what goes out again with the completion. */
export function callbackHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name in headers) {
    if (!name.startsWith(headerNames.callbackPrefix)) continue;
    found[name.slice(headerNames.callbackPrefix.length)] = headers[name] ?? "";
  }
  return found;
}

/** Refuses, before anything is committed, a name that no URL or no row can carry. */
export function assertNames(service: string, operation: string): void {
  for (const name of [service, operation]) {
    if (name !== "." && name !== ".." && !name.includes("\0")) continue;
    throw new ApiError(
      "INVALID_NAME",
      `${JSON.stringify(name)} can't name a service or operation`,
      {
        hint: "URLs resolve . and .. away, and no row holds U+0000",
        violations: [
          { pointer: "path:", rule: "name", detail: "must be neither . nor .., without U+0000" },
        ],
      },
    );
  }
}

/** An empty request id is none: all calls that send one would share a key. */
export function emptyIsNone(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}
