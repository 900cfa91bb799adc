import { defaultEndpointPolicy, type EndpointPolicy } from "@nexus-mesh/registry/registry";
import { Pool, request as send } from "undici";
import pg from "pg";
import type { GatewayContext } from "../../gateway/src/gateway-context.ts";
import type { GatewayOptions } from "../../gateway/src/options.ts";
import type { Engine } from "../../gateway/src/engine.ts";
import { issueToken } from "../../gateway/src/identity/mesh-token.ts";
import type { Caller } from "../../gateway/src/identity/principal.ts";
import type { Head } from "../../gateway/src/store/store.ts";
import type { HandlerCall } from "../harness/handler-server.ts";
import { startGateway, type TestGateway, type TestGatewayOptions } from "../harness/gateway.ts";
import { createDatabase } from "../harness/postgres.ts";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { startTcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly text: string;
  json(): ReplyBody;
}

/** What the tests look at of a reply; a wrong shape fails their expectation. */
export interface ReplyBody {
  readonly token: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StartOptions {
  readonly callback?: string;
  readonly requestId?: string;
  readonly body?: string | Buffer;
  readonly prefer?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The calling namespace; null sends no credential. */
  readonly as?: string | null;
  /** At this gateway rather than through the front door. */
  readonly at?: string;
  /** `reports` unless given. */
  readonly service?: string;
}

export interface Mesh {
  readonly url: string;
  readonly publicUrl: string;
  readonly databaseUrl: string;
  /** The first gateway's. */
  readonly context: GatewayContext;
  readonly engine: Engine;
  readonly admin: Caller;
  /** A caller's token of one of the namespaces. */
  token(namespace: string): string;
  /** A fresh endpoint of namespace `owner`, granted to `caller` and `other`; its name. */
  endpoint(target: string | { queue: string }, policy?: Partial<EndpointPolicy>): Promise<string>;
  /** Until a gateway that is not of this process knows the endpoint and its grants. */
  knownAt(url: string, endpoint: string): Promise<void>;
  retarget(endpoint: string, target: string): Promise<void>;
  start(endpoint: string, options?: StartOptions): Promise<Reply>;
  cancel(endpoint: string, token: string, as?: string): Promise<Reply>;
  post(path: string, headers: Record<string, string>, body: string): Promise<Reply>;
  request(path: string, method: string): Promise<Reply>;
  head(id: string): Promise<Head | undefined>;
  /** Rows of an endpoint's operations, straight from the tables. */
  operations(
    endpoint: string,
  ): Promise<{ id: string; state: number; owes: number; attempt: number }[]>;
  /** The first gateway's metrics, as Prometheus reads them. */
  metrics(): Promise<string>;
  /** Lets the sweep find an operation that waits for its deadline. */
  dueNow(id: string): Promise<void>;
  /** Options of one more gateway of this mesh, to be started as a process. */
  anotherGateway(): Promise<GatewayOptions>;
  /** Closed with the mesh. */
  track(...closables: { close(): Promise<void> }[]): void;
  close(): Promise<void>;
}

const actor = { subject: "test", namespace: null };
const loopback = { host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true };

/**
 * Namespaces owner, caller, other (granted) and stranger (not), behind one gateway, or behind as many as
 * NEXUS_MESH_GATEWAYS says, with a round-robin proxy in front: the whole suite runs both ways.
 */
export async function startMesh(given: TestGatewayOptions = {}): Promise<Mesh> {
  const count = Number(process.env["NEXUS_MESH_GATEWAYS"] ?? "1");
  const database = await createDatabase();
  const proxy = await startTcpProxy([]);
  const gateways: TestGateway[] = [];
  for (let n = 0; n < count; n += 1) {
    gateways.push(
      await startGateway({
        ...given,
        databaseUrl: database.url,
        options: { ...given.options, ...(count === 1 ? {} : { publicUrl: proxy.url }) },
      }),
    );
  }
  proxy.setUpstreams(gateways.map(({ options }) => ({ host: options.host, port: options.port })));
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error("NEXUS_MESH_GATEWAYS must be 1 or more");
  const url = count === 1 ? gateway.url : proxy.url;
  const { context } = gateway;
  const { registry, store } = context;
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  const http = new Pool(url, { connections: 16 });
  const tokens = new Map<string, string>();
  const closables: { close(): Promise<void> }[] = [];
  let endpoints = 0;

  for (const name of ["owner", "caller", "other", "stranger"]) {
    const { namespace } = await registry.putNamespace(name, "", "any", actor);
    await registry.putEgress(namespace.id, [loopback], "any", actor);
    const { token } = await issueToken(context, {
      namespace,
      role: name === "owner" ? "owner" : "caller",
      subject: `${name}-app`,
      actor,
    });
    tokens.set(name, token);
  }
  await everywhere();
  const ownerId = registry.snapshot().namespaces.get("owner")?.id ?? 0;

  /** What was written through the first gateway is what each of them reads. */
  async function everywhere(): Promise<void> {
    const { version } = registry.snapshot();
    await waitFor("every gateway to read the registry's change", () =>
      gateways.every((one) => one.context.registry.snapshot().version >= version),
    );
  }

  async function request(
    path: string,
    method: string,
    headers: Record<string, string>,
    body: string | Buffer | null,
    at?: string,
  ): Promise<Reply> {
    const sent = { method: method as "POST", headers, body };
    const reply =
      at === undefined ? await http.request({ path, ...sent }) : await send(at + path, sent);
    const bytes = Buffer.from(await reply.body.arrayBuffer());
    const single = Object.fromEntries(
      Object.entries(reply.headers).map(([name, value]) => [name, String(value)]),
    );
    return {
      status: reply.statusCode,
      headers: single,
      bytes,
      text: bytes.toString(),
      json: () => JSON.parse(bytes.toString()) as ReplyBody,
    };
  }
  const authorization = (as: string): Record<string, string> => ({
    authorization: `Bearer ${tokens.get(as) ?? ""}`,
  });
  const path = (endpoint: string, service = "reports"): string =>
    `/nexus/endpoints/${endpoint}/services/${service}/build`;

  return {
    url,
    publicUrl: gateway.options.publicUrl,
    databaseUrl: database.url,
    context,
    engine: gateway.engine,
    metrics: async () => (await send(`${gateway.opsUrl}/metrics`)).body.text(),
    async dueNow(id) {
      await pool.query("update head set due_at = now() where id = $1", [id]);
    },
    anotherGateway: async () => ({ ...gateway.options, port: await freePort(), opsPort: 0 }),
    admin: {
      principal: {
        subject: "admin",
        tokenId: "",
        tokenNamespaceId: null,
        role: "admin",
        expiresAt: Infinity,
      },
      namespace: undefined,
    },
    token: (namespace) => tokens.get(namespace) ?? "",
    async endpoint(target, policy = {}) {
      const name = `endpoint-${(endpoints += 1)}`;
      const { endpoint } = await registry.putEndpoint(
        {
          name,
          ownerId,
          description: "",
          target:
            typeof target === "string"
              ? { kind: "http", url: target }
              : { kind: "queue", queue: target.queue },
          policy: { ...defaultEndpointPolicy, ...policy },
        },
        "absent",
        actor,
      );
      for (const caller of ["caller", "other"]) {
        await registry.putGrant(
          {
            id: `${name}-${caller}`,
            endpointId: endpoint.id,
            caller,
            service: "*",
            operation: "*",
          },
          actor,
        );
      }
      await everywhere();
      return name;
    },
    async knownAt(at, name) {
      await waitFor(`${at} to know endpoint ${name}`, async () => {
        const reply = await send(`${at}/v1/endpoints/${name}/grants`, {
          headers: authorization("owner"),
        });
        const text = await reply.body.text();
        return reply.statusCode === 200 && text.includes(`${name}-other`);
      });
    },
    async retarget(name, targetUrl) {
      const endpoint = registry.snapshot().endpoints.get(name);
      if (endpoint === undefined) throw new Error(`no endpoint ${name}`);
      await registry.putEndpoint(
        {
          name,
          ownerId,
          description: "",
          target: { kind: "http", url: targetUrl },
          policy: endpoint.policy,
        },
        "any",
        actor,
      );
      await everywhere();
    },
    start(
      endpoint,
      { callback, requestId, body = "{}", prefer, headers = {}, as = "caller", at, service } = {},
    ) {
      return request(
        path(endpoint, service) +
          (callback === undefined ? "" : `?callback=${encodeURIComponent(callback)}`),
        "POST",
        {
          "content-type": "application/json",
          ...(as === null ? {} : authorization(as)),
          ...(requestId === undefined ? {} : { "nexus-request-id": requestId }),
          ...(prefer === undefined ? {} : { prefer }),
          ...headers,
        },
        body,
        at,
      );
    },
    cancel: (endpoint, token, as = "caller") =>
      request(
        `${path(endpoint)}/cancel`,
        "POST",
        { ...authorization(as), "nexus-operation-token": token },
        null,
      ),
    post: (to, headers, body) => request(to, "POST", headers, body),
    request: (to, method) => request(to, method, authorization("caller"), null),
    async head(id) {
      const operation = await store.operation(id);
      return operation === undefined ? undefined : store.head(operation.key);
    },
    async operations(name) {
      const id = registry.snapshot().endpoints.get(name)?.id;
      const found = await pool.query<{ id: string; state: number; owes: number; attempt: number }>(
        "select id, state, owes, attempt from head where endpoint_id = $1",
        [id],
      );
      return found.rows;
    },
    track: (...more) => {
      closables.push(...more);
    },
    async close() {
      await http.close();
      await pool.end();
      for (const closable of closables) await closable.close();
      for (const one of gateways) await one.close();
      await proxy.close();
      await database.drop();
    },
  };
}

/** The handler's completion, with the callback headers that its start brought. */
export async function complete(
  call: HandlerCall | undefined,
  outcome: { state: string; body: string; at?: string },
): Promise<{ status: number }> {
  if (call === undefined) throw new Error("the handler was not called");
  const callback = new URL(call.url, "http://handler").searchParams.get("callback") ?? "";
  const to = outcome.at === undefined ? callback : outcome.at + new URL(callback).pathname;
  const reply = await send(to, {
    method: "POST",
    headers: {
      ...callbackHeadersOf(call),
      "content-type": "application/json",
      "nexus-operation-state": outcome.state,
    },
    body: outcome.body,
  });
  await reply.body.dump();
  return { status: reply.statusCode };
}

export function callbackHeadersOf(call: HandlerCall): Record<string, string> {
  const prefix = "nexus-callback-";
  return Object.fromEntries(
    Object.entries(call.headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), String(value)]),
  );
}
