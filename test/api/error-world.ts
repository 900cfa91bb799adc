import pg from "pg";
import { issueToken } from "../../gateway/src/identity/mesh-token.ts";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { createDatabase } from "../harness/postgres.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { rawExchange } from "../harness/raw-exchange.ts";
import {
  seedEndpoint,
  seedGrant,
  seedNamespace,
  seedToken,
  seedTwoTeams,
} from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { apiReply, callApi, type ApiCall } from "./call-api.ts";

/** Everything that a request of the fixtures may need to be wrong about. */
export interface ErrorWorld {
  readonly admin: string;
  readonly owner: string;
  readonly caller: string;
  readonly stranger: string;
  readonly expired: string;
  readonly revoked: string;
  /** Started by `caller` and still running; its request id. */
  readonly running: { readonly id: string; readonly requestId: string };
  /** The token of a task that its worker has given back. */
  readonly lostTask: string;
  readonly terminated: { readonly id: string; readonly completionToken: string };
  call(call: ApiCall | string, at?: keyof Gateways): ReturnType<typeof callApi>;
  /** Rows of every table but the audit trail. */
  counts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

interface Gateways {
  readonly main: TestGateway;
  /** On the same database: no byte of payload may be in flight; draining; waits for no slow client. */
  readonly full: TestGateway;
  readonly draining: TestGateway;
  readonly hasty: TestGateway;
  /** On databases of their own: one without the attempts' table, one that can't be reached any more. */
  readonly broken: TestGateway;
  readonly cutOff: TestGateway;
}

const completionTokenHeader = "nexus-callback-nexus-mesh-completion-token";
export const maxPayloadBytes = 64 * 1024;

export async function openErrorWorld(): Promise<ErrorWorld> {
  const handler = await startScriptedHandler((call, response) => {
    if (call.url.includes("/never")) return;
    if (call.url.includes("/cancel")) {
      response.writeHead(202).end();
      return;
    }
    response
      .writeHead(201, { "content-type": "application/json" })
      .end('{"token":"run-1","state":"running"}');
  });
  const main = await startGateway({ options: { maxPayloadBytes } });
  const teams = await seedTwoTeams(main, handler.url);
  const stranger = await seedNamespace(main, "stranger");
  const dead = await seedEndpoint(main, {
    name: "dead",
    owner: "insights",
    targetUrl: `http://127.0.0.1:${await freePort()}/nexus`,
  });
  await seedGrant(main, dead, "storefront");
  const { context } = main;
  const actor = { subject: "test", namespace: null };
  const revoked = await issueToken(context, {
    namespace: stranger,
    role: "viewer",
    subject: "gone",
    actor,
  });
  await context.registry.revokeToken(stranger.id, revoked.record.id, actor);

  const shared = { databaseUrl: main.databaseUrl };
  const identity = { publicUrl: main.url };
  const full = await startGateway({
    ...shared,
    options: { ...identity, maxAcceptedBytesInFlight: 1 },
  });
  const draining = await startGateway({ ...shared, options: identity });
  await draining.engine.drain(0);
  const hasty = await startGateway({ ...shared, options: { ...identity, receiveTimeoutMs: 200 } });
  const broken = await startGateway();
  const brokenAdmin = await adminToken(broken);
  const brokenOperation = await acceptNothing(broken, handler.url);
  await onDatabase(broken.databaseUrl, "alter table attempt rename to attempt_elsewhere");
  const cutDatabase = await createDatabase();
  const cutUrl = new URL(cutDatabase.url);
  const proxy = await startTcpProxy([{ host: cutUrl.hostname, port: Number(cutUrl.port) }]);
  cutUrl.host = `127.0.0.1:${proxy.port}`;
  const cutOff = await startGateway({ databaseUrl: cutUrl.href });
  const cutAdmin = await adminToken(cutOff);
  proxy.setUpstreams([]);
  proxy.cut();

  const gateways: Gateways = { main, full, draining, hasty, broken, cutOff };
  const tokens = { brokenAdmin, cutAdmin };
  const call: ErrorWorld["call"] = (given, at = "main") => {
    if (typeof given === "string") return sendBytes(gateways[at].url, given);
    const own =
      at === "broken" ? tokens.brokenAdmin : at === "cutOff" ? tokens.cutAdmin : undefined;
    const path = given.path.replace("{brokenOperation}", brokenOperation);
    return callApi(gateways[at].url, { ...given, path, token: own ?? given.token });
  };
  const running = await start("request-1");
  const other = await start("request-2");
  const completionToken = handler.calls.at(-1)?.headers[completionTokenHeader];
  if (typeof completionToken !== "string") throw new Error("the handler got no completion token");
  await call({
    method: "POST",
    path: `/v1/operations/${other}/terminate`,
    token: teams.adminToken,
    json: {},
  });

  const queued = await seedEndpoint(main, { name: "queued", owner: "insights", queue: "renders" });
  await seedGrant(main, queued, "storefront");
  await call({
    method: "POST",
    path: "/v1/endpoints/queued/services/s/operations/o",
    token: teams.callerToken,
    raw: "input",
  });
  const polled = await call({
    method: "POST",
    path: "/v1/namespaces/insights/queues/renders/poll?wait=10s",
    token: teams.ownerToken,
    json: { worker: "w" },
  });
  const lostTask = /^nexus-mesh-task-token: (\S+)/m.exec(polled.text)?.[1] ?? "";
  await call({
    method: "POST",
    path: "/v1/tasks/release",
    token: teams.ownerToken,
    json: { tokens: [lostTask] },
  });

  const world: ErrorWorld = {
    lostTask,
    admin: teams.adminToken,
    owner: teams.ownerToken,
    caller: teams.callerToken,
    stranger: await seedToken(main, "stranger"),
    expired: await seedToken(main, "storefront", "viewer", -60_000),
    revoked: revoked.token,
    running: { id: running, requestId: "request-1" },
    terminated: { id: other, completionToken },
    call,
    counts: () => countRows(main.databaseUrl),
    async close() {
      for (const gateway of [cutOff, broken, hasty, draining, full, main]) await gateway.close();
      await proxy.close();
      await cutDatabase.drop();
      await handler.close();
    },
  };
  await settled(world);
  return world;

  async function start(requestId: string): Promise<string> {
    const { body } = await call({
      method: "POST",
      path: "/v1/endpoints/analytics/services/s/operations/o",
      token: teams.callerToken,
      headers: { "nexus-request-id": requestId },
      raw: requestId,
    });
    const id = String(body["id"]);
    await waitFor(`operation ${id} to be started`, async () => {
      const seen = await call({ path: `/v1/operations/${id}`, token: teams.callerToken });
      return seen.body["state"] === "started";
    });
    return id;
  }
}

async function adminToken(gateway: TestGateway): Promise<string> {
  const { token } = await issueToken(gateway.context, {
    namespace: null,
    role: "admin",
    subject: "admin",
    actor: { subject: "test", namespace: null },
  });
  return token;
}

async function sendBytes(url: string, bytes: string): ReturnType<typeof callApi> {
  const { replies } = await rawExchange(url, bytes);
  const [reply] = replies;
  if (reply === undefined) throw new Error("the connection ended without a reply");
  return apiReply(reply.status, reply.headers, reply.body.toString());
}

/** An operation of the gateway whose attempts can't be read later. */
async function acceptNothing(gateway: TestGateway, target: string): Promise<string> {
  const { callerToken } = await seedTwoTeams(gateway, target);
  const { body } = await callApi(gateway.url, {
    method: "POST",
    path: "/v1/endpoints/analytics/services/s/operations/o",
    token: callerToken,
    raw: "input",
  });
  return String(body["id"]);
}

/** What is written lazily is written: the counts stand still for 300 ms. */
async function settled(world: ErrorWorld): Promise<void> {
  let before = "";
  await waitFor(
    "the tables to stand still",
    async () => {
      const now = JSON.stringify(await world.counts());
      const still = now === before;
      before = now;
      return still;
    },
    { every: 300 },
  );
}

async function countRows(databaseUrl: string): Promise<Record<string, number>> {
  const rows = await onDatabase<{ name: string; rows: string }>(
    databaseUrl,
    `select c.relname as name, (xpath('/row/c/text()', query_to_xml(
       format('select count(*) as c from %I.%I', n.nspname, c.relname), false, true, '')))[1]::text as rows
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'audit'
       and n.nspname not in ('pg_catalog', 'information_schema')`,
  );
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, Number(count)]));
}

async function onDatabase<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}
