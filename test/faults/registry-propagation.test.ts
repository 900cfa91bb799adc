import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { startTcpProxy, type TcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";
import { withoutNotifications } from "../harness/without-notifications.ts";
import { startMesh, type Mesh } from "../engine/mesh.ts";

/** For each way in which the other gateway can learn of them. */
const changes = 200;
const actor = { subject: "test", namespace: null };
const channel = "nexus_mesh_registry";
let mesh: Mesh;
let other: TestGateway;
let proxy: TcpProxy;
let notified = true;
let dropped = 0;
let endpoint: string;

beforeAll(async () => {
  mesh = await startMesh();
  const database = new URL(mesh.databaseUrl);
  proxy = await startTcpProxy(
    [{ host: database.hostname, port: Number(database.port) }],
    (bytes) => {
      if (notified) return bytes;
      const rest = withoutNotifications(bytes, channel);
      dropped += rest.dropped;
      return rest.bytes;
    },
  );
  database.port = String(proxy.port);
  other = await startGateway({
    databaseUrl: database.href,
    options: { publicUrl: mesh.publicUrl, port: (await mesh.anotherGateway()).port },
  });
  const handler = await startScriptedHandler();
  mesh.track(handler);
  endpoint = await mesh.endpoint(handler.url);
});
afterAll(async () => {
  await other.close();
  await proxy.close();
  await mesh.close();
});

test("200 changes made on one gateway are seen by calls on another", () => everyChangeIsSeen("n"));

test("also while its LISTEN connection is terminated again and again", async () => {
  const pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 1 });
  const terminate = "select pg_terminate_backend(pid) from pg_stat_activity where query = $1";
  await everyChangeIsSeen("t", async (n) => {
    if (n % 20 === 0) await pool.query(terminate, [`listen ${channel}`]);
  });
  await pool.end();
});

test("also when no notification ever arrives", async () => {
  notified = false;
  await everyChangeIsSeen("p");
  notified = true;
  expect(dropped).toBeGreaterThan(0);
});

/** Each change allows a service of its own, so that each is seen by itself. */
async function everyChangeIsSeen(
  prefix: string,
  before: (n: number) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { registry } = mesh.context;
  const { id } = registry.snapshot().endpoints.get(endpoint) ?? { id: 0 };
  const seen: Promise<unknown>[] = [];
  for (let n = 0; n < changes; n += 1) {
    await before(n);
    const service = `${prefix}-${n}`;
    const grant = { id: service, endpointId: id, caller: "stranger", service, operation: "*" };
    await registry.putGrant(grant, actor);
    seen.push(
      waitFor(
        `change ${service} on the other gateway`,
        async () =>
          (await mesh.start(endpoint, { as: "stranger", service, at: at() })).status === 200,
        { every: 100 },
      ),
    );
  }
  await Promise.all(seen);
}

function at(): string {
  return `http://127.0.0.1:${other.options.port}`;
}
