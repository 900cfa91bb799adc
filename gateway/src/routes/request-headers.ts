import type { IncomingMessage } from "node:http";
import { firstValues } from "@nexus-mesh/sdk/protocol/headers";

/**
 * Lower-case names, single values. Where no name is repeated Node's own view is just that, and Fastify has asked for it
 * already; a second one of our own was 3 % of a pass-through call.
 */
export function requestHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  const { headers, rawHeaders } = request;
  const single = Object.keys(headers).length * 2 === rawHeaders.length;
  // Node has set-cookie as a list, however often it comes.
  return single && headers["set-cookie"] === undefined
    ? (headers as Record<string, string>)
    : firstValues(rawHeaders);
}
