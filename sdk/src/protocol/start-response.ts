import { contentHeaders, isJson } from "./content.ts";
import {
  decodeErrorResponse,
  type EncodedResponse,
  type ErrorResponse,
  type ReceivedResponse,
} from "./failure-response.ts";
import { headerNames } from "./headers.ts";
import { parseLinks, type Link } from "./links.ts";

export type StartResponse =
  | {
      readonly kind: "sync";
      readonly headers: Record<string, string>;
      readonly body: Uint8Array;
      readonly links: readonly Link[];
    }
  | { readonly kind: "async"; readonly token: string; readonly links: readonly Link[] }
  | ErrorResponse;

/** What a client accepts (protocol.md 1.3). A malformed `Nexus-Link` spoils the whole answer, even a 200. */
export function decodeStartResponse(response: ReceivedResponse): StartResponse {
  const { status, headers, body } = response;
  const unexpected = { kind: "unexpected", status, retryable: true } as const;
  let links: Link[];
  try {
    const value = headers[headerNames.link];
    links = value === undefined ? [] : parseLinks([value]);
  } catch {
    // MalformedLink is all that parseLinks throws; the reference drops the answer too.
    return unexpected;
  }
  if (status === 200) return { kind: "sync", headers: contentHeaders(headers), body, links };
  if (status !== 201) return decodeErrorResponse(response);
  if (!isJson(headers["content-type"])) return unexpected;
  const token = runningToken(body);
  return token === undefined ? unexpected : { kind: "async", token, links };
}

/** `{"token":"…","state":"running"}`; `{"id":…}` alone, an empty token and any other state are unexpected. */
function runningToken(body: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { token, state } = value as { token?: unknown; state?: unknown };
  return state === "running" && typeof token === "string" && token !== "" ? token : undefined;
}

/** The 201 of an asynchronous start. Exactly `application/json`: a charset makes Temporal see unknown content. */
export function encodeAsyncStart(token: string): EncodedResponse {
  return {
    status: 201,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ token, state: "running" })),
  };
}
