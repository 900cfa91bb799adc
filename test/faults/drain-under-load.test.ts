import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGatewayProcess, type GatewayProcess } from "../harness/gateway-process.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startMesh, type Mesh } from "../engine/mesh.ts";

const operations = 200;
const polls = 50;
let mesh: Mesh;
let handler: ScriptedHandler;
let gateway: GatewayProcess;

beforeAll(async () => {
  mesh = await startMesh();
  handler = await startScriptedHandler();
  const other = await mesh.anotherGateway();
  gateway = await startGatewayProcess({
    databaseUrl: mesh.databaseUrl,
    port: other.port,
    publicUrl: other.publicUrl,
  });
  mesh.track(handler);
});
afterAll(async () => {
  await gateway.close();
  await mesh.close();
});

test("SIGTERM with 200 operations in flight and 50 long polls: all answered, nothing sent twice, exit 0", async () => {
  const held: (() => void)[] = [];
  handler.script((_call, response) => {
    held.push(() => response.writeHead(200, { "content-type": "application/json" }).end("1"));
  });
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.knownAt(gateway.url, endpoint);
  const starts = Array.from({ length: operations }, () =>
    mesh.start(endpoint, { prefer: "respond-async", at: gateway.url }),
  );
  const ids = (await Promise.all(starts)).map((reply) => reply.json().token);
  await waitFor("every start to reach the handler", () => held.length === operations, {
    ms: 20_000,
  });
  const answers = ids.slice(0, polls).map(async (id) => {
    const reply = await request(`${gateway.url}/v1/operations/${id}/result?wait=60s`, {
      headers: { authorization: `Bearer ${mesh.token("caller")}` },
    });
    await reply.body.dump();
    return reply.statusCode;
  });
  await waitFor("the long polls to wait", async () => {
    const reply = await request(`${gateway.opsUrl}/metrics`);
    return (await reply.body.text()).includes(`nexus_mesh_waiters ${polls}`);
  });
  gateway.signal("SIGTERM");
  // A poll that is answered was answered: a reset would reject here.
  expect(new Set(await Promise.all(answers))).toEqual(new Set([202]));
  for (const answer of held) answer();
  expect(await gateway.exited).toBe(0);
  await waitFor("every operation to have ended", async () => {
    const found = await mesh.operations(endpoint);
    return found.length === operations && found.every(({ state }) => state === 4);
  });
  expect(handler.calls).toHaveLength(operations);
});
