/** Hop-by-hop (RFC 9110 7.6.1), credentials, what the transport writes itself, and what proxies add. */
const never = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
  "authorization",
  "cookie",
  "cookie2",
  "accept-encoding",
  "content-length",
  "forwarded",
  "via",
  "x-real-ip",
  "prefer",
  "user-agent",
  "accept",
  "origin",
  "referer",
  // The gateway sets these itself.
  "nexus-request-id",
  "request-timeout",
  "operation-timeout",
  "nexus-operation-token",
  "temporal-nexus-failure-support",
]);
const neverPrefixes = /^(?:nexus-callback-|nexus-mesh-|x-forwarded-|xdc-redirection|sec-|webhook-)/;

type Fate = "never" | "content" | "forwarded";

/** Names are few and repeat at every call; bounded, for callers choose them. */
const fates = new Map<string, Fate>();
const rememberedNames = 1_000;

function fateOf(name: string): Fate {
  const known = fates.get(name);
  if (known !== undefined) return known;
  const dropped = never.has(name) || neverPrefixes.test(name);
  const fate = dropped ? "never" : name.startsWith("content-") ? "content" : "forwarded";
  if (fates.size >= rememberedNames) fates.clear();
  fates.set(name, fate);
  return fate;
}

/** Caller's headers that reach the handler, content headers apart. */
export function forwardedHeaders(all: Readonly<Record<string, string>>): {
  readonly headers: Record<string, string>;
  readonly content: Record<string, string>;
} {
  const named = namedByConnection(all);
  const headers: Record<string, string> = {};
  const content: Record<string, string> = {};
  for (const name in all) {
    const fate = fateOf(name);
    if (fate === "never" || named?.has(name) === true) continue;
    const value = all[name] ?? "";
    if (fate === "content") content[name] = value;
    else headers[name] = value;
  }
  return { headers, content };
}

/** The same, both together. */
export function allForwardedHeaders(all: Readonly<Record<string, string>>): Record<string, string> {
  const named = namedByConnection(all);
  const headers: Record<string, string> = {};
  for (const name in all) {
    if (fateOf(name) !== "never" && named?.has(name) !== true) headers[name] = all[name] ?? "";
  }
  return headers;
}

/** RFC 9110 7.6.1: what Connection names is hop-by-hop too. */
function namedByConnection({
  connection = "",
}: Readonly<Record<string, string>>): ReadonlySet<string> | undefined {
  return /^(?:keep-alive|close|)$/i.test(connection)
    ? undefined
    : new Set(connection.toLowerCase().split(/\s*,\s*/));
}

export function headerBytes(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(JSON.stringify(headers));
}

/** The decoder of what {@link headerBytes} stored: only this gateway writes those columns. */
export function headersFromBytes(bytes: Uint8Array | null): Record<string, string> {
  if (bytes === null || bytes.length === 0) return {};
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, string>;
}
