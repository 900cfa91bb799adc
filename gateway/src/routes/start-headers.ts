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
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(headerNames.callbackPrefix)) {
      found[name.slice(headerNames.callbackPrefix.length)] = value;
    }
  }
  return found;
}
