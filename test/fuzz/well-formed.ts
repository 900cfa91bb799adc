import { readFileSync } from "node:fs";
import type { Random } from "./random.ts";

/** A request before it is written: its parts can be broken one by one. */
export interface RequestParts {
  method: string;
  target: Buffer;
  version: string;
  headers: [name: Buffer, value: Buffer][];
  body: Buffer;
}

/** What random requests may name, so that they get past the first check. */
export interface Known {
  readonly endpoint: string;
  readonly namespace: string;
  readonly callerToken: string;
  readonly adminToken: string;
  readonly callbackUrl: string;
  /** Tokens of operations that were started. */
  readonly operations: readonly string[];
  /** Completion tokens that the handler was given. */
  readonly completionTokens: readonly string[];
}

const operations = ["echo", "later", "a%2Fb", "%C3%A4", "cancel"];
const json = ["{}", '"x"', "[1,2,3]", "null", '{"name":"World"}'];

/** One request to one of the gateway's routes as a client would send it. */
export function wellFormed(random: Random, known: Known): RequestParts {
  const parts = random.pick([
    nexusStart,
    nexusStart,
    nexusCancel,
    completion,
    api,
    api,
    api,
    other,
  ])(random, known);
  parts.headers.unshift(header("Host", "gateway.test"));
  return parts;
}

export function header(name: string, value: string): [Buffer, Buffer] {
  return [Buffer.from(name, "latin1"), Buffer.from(value)];
}

function request(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): RequestParts {
  return {
    method,
    target: Buffer.from(target),
    version: "HTTP/1.1",
    headers: Object.entries(headers).map(([name, value]) => header(name, value)),
    body: Buffer.from(body),
  };
}

function nexusStart(random: Random, known: Known): RequestParts {
  const callback = random.chance(0.3) ? `?callback=${encodeURIComponent(known.callbackUrl)}` : "";
  return request(
    "POST",
    `/nexus/endpoints/${known.endpoint}/services/greeting/${random.pick(operations)}${callback}`,
    {
      Authorization: `Bearer ${known.callerToken}`,
      "Content-Type": "application/json",
      "Nexus-Request-Id": `r-${random.int(0, 500)}`,
      ...(random.chance(0.2) ? { Prefer: "respond-async" } : {}),
      ...(random.chance(0.3) ? { "Nexus-Link": '<http://a/b?c=d>; type="t"' } : {}),
      ...(random.chance(0.3) ? { "Request-Timeout": "2s", "Operation-Timeout": "1m" } : {}),
      ...(random.chance(0.3) ? { "Temporal-Nexus-Failure-Support": "true" } : {}),
    },
    random.pick(json),
  );
}

function nexusCancel(random: Random, known: Known): RequestParts {
  const token = random.pick([...known.operations.slice(-20), "0190", "nope"]);
  const base = `/nexus/endpoints/${known.endpoint}/services/greeting/later`;
  const authorization = { Authorization: `Bearer ${known.callerToken}` };
  switch (random.int(0, 2)) {
    case 0:
      return request("POST", `${base}/${token}/cancel`, authorization);
    case 1:
      return request("POST", `${base}/cancel?token=${token}`, authorization);
    default:
      return request("POST", `${base}/cancel`, {
        ...authorization,
        "Nexus-Operation-Token": token,
      });
  }
}

function completion(random: Random, known: Known): RequestParts {
  const state = random.pick(["succeeded", "failed", "canceled"]);
  return request(
    "POST",
    "/nexus/callback",
    {
      "Nexus-Mesh-Completion-Token": random.pick([...known.completionTokens.slice(-20), "v1.nope"]),
      "Content-Type": "application/json",
      "Nexus-Operation-State": state,
      "Nexus-Operation-Token": "h-1",
      "Nexus-Operation-Start-Time": "Mon, 02 Jan 2006 15:04:05 GMT",
      "Nexus-Operation-Close-Time": "2026-01-02T15:04:05.123Z",
    },
    state === "succeeded" ? random.pick(json) : '{"message":"no","cause":{"message":"why"}}',
  );
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Every documented route of `/v1`. */
const documented = Object.entries(
  (
    JSON.parse(
      readFileSync(new URL("../../openapi/openapi.json", import.meta.url), "utf8"),
    ) as OpenApi
  ).paths,
)
  .filter(([path]) => path.startsWith("/v1/"))
  .flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ["get", "put", "post", "delete"].includes(method))
      .map((method) => ({ path, method: method.toUpperCase() })),
  );

/** Few names, or the registry would grow as a gateway's would that is given more work. */
const names = ["alpha", "beta", "gamma", "delta", "x", "UPPER", "a--b", "über"];
/** One that its route takes, in the document's paths. */
const bodies: Readonly<Record<string, string>> = {
  "/v1/namespaces/{namespace}": '{"description":"d"}',
  "/v1/namespaces/{namespace}/tokens": '{"role":"caller","subject":"s","expiresIn":"60s"}',
  "/v1/namespaces/{namespace}/egress":
    '{"rules":[{"host":"127.0.0.1","ports":[0],"cidrs":["127.0.0.0/8"],"plainHttp":true}]}',
  "/v1/endpoints/{endpoint}":
    '{"owner":"alpha","target":{"kind":"http","url":"http://127.0.0.1:9/nexus"},"description":""}',
  "/v1/endpoints/{endpoint}/grants/{grant}": '{"caller":"alpha","service":"*","operation":"*"}',
  "/v1/access-checks":
    '{"caller":"team","endpoint":"fuzzed","service":"greeting","operation":"echo"}',
  "/v1/operations/{operationId}/terminate": '{"reason":"because"}',
};
const anyBody = ["{}", '{"input":{"a":1},"requestId":"r-1"}', ...Object.values(bodies)];

function api(random: Random, known: Known): RequestParts {
  const { path, method } = random.pick(documented);
  // A write as admin must not take away what the other requests live on.
  const admin = random.chance(0.5);
  const own = !admin || method === "GET";
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => {
    switch (name) {
      case "endpoint":
        return own ? known.endpoint : encodeURIComponent(random.pick(names));
      case "namespace":
        return own ? known.namespace : encodeURIComponent(random.pick(names));
      case "operationId":
      case "callbackId":
        return random.pick([...known.operations.slice(-20), "0190", "nope"]);
      case "operation":
        return random.pick(operations);
      default:
        return encodeURIComponent(random.pick([...names, "greeting", "r-1"]));
    }
  });
  const other = random.pick(anyBody);
  const body = random.chance(0.8) ? (bodies[path] ?? other) : other;
  const query = random.pick([
    "",
    "",
    "?limit=2",
    "?state=started&limit=5",
    "?cursor=abc",
    "?wait=100ms",
    "?include=input",
  ]);
  return request(
    method,
    filled + query,
    {
      Authorization: `Bearer ${admin ? known.adminToken : known.callerToken}`,
      ...(method === "GET" || method === "DELETE" ? {} : { "Content-Type": "application/json" }),
      ...(random.chance(0.2) ? { "If-Match": '"1"' } : {}),
    },
    method === "GET" || method === "DELETE" ? "" : body,
  );
}

function other(random: Random): RequestParts {
  const target = random.pick([
    ...["/", "/healthz", "/docs", "/docs/json", "/v1", "/v1/", "/nexus", "/nexus/", "/v2/x"],
    ...["/.well-known/jwks.json", "/nexus/endpoints", "/nexus/endpoints/", "/openapi.json"],
    ...["/nexus/endpoints/fuzzed/services", "/nexus/endpoints/fuzzed/services/s"],
  ]);
  return request(random.pick(["GET", "POST", "HEAD", "OPTIONS"]), target, {});
}
