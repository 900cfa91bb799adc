import { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { seedEndpoint, seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startTwoGateways, tokenOf, type TwoGateways } from "./two-gateways.ts";

let mesh: TwoGateways;
let pool: Pool;
beforeAll(async () => {
  mesh = await startTwoGateways();
  pool = new Pool({ connectionString: mesh.here.databaseUrl, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await mesh.close();
});

test("a queue goes when no endpoint points at it, nothing waits in it and nothing that came through it is open", async () => {
  const { here, there, workerToken, callerToken } = mesh;
  const owner = await seedToken(here, "insights", "owner");
  const path = "/v1/namespaces/insights/queues/renders";
  const drop = (token = owner) => callApi(here.url, { method: "DELETE", path, token });
  const refused = async (why: string): Promise<void> => {
    expect(await drop()).toMatchObject({
      status: 409,
      body: { code: "IN_USE", detail: expect.stringContaining(why) as string },
    });
  };
  expect((await drop(workerToken)).status).toBe(403);
  expect((await drop(callerToken)).status).toBe(403);
  await refused('endpoint "jobs" points at it');

  const operation = await mesh.client().start("echo", "Hi");
  await seedEndpoint(here, { name: "jobs", owner: "insights", queue: "elsewhere" });
  await refused("tasks wait in it");
  const [task] = await mesh.poll(here);
  await refused("run");
  expect((await mesh.answer(here, "complete", tokenOf(task), { raw: '"yes"' })).status).toBe(204);
  expect(await operation.result()).toBe("yes");
  const removedAt = (when: string) =>
    pool.query(`update target set removed_at = ${when} where removed_at is not null`);
  await removedAt("now()");
  await refused("until a moment ago");
  await removedAt("now() - interval '6 s'");
  expect((await drop()).status).toBe(204);
  expect(await drop()).toMatchObject({ status: 404, body: { code: "QUEUE_NOT_FOUND" } });
  await waitFor("the other gateway to know", async () => {
    const { status } = await callApi(there.url, { path, token: owner });
    return status === 404;
  });
  // What came through it is remembered, and the name may be used again.
  expect(await operation.result()).toBe("yes");
  await seedEndpoint(here, { name: "jobs", owner: "insights", queue: "renders" });
  expect((await callApi(here.url, { path, token: owner })).status).toBe(200);
});
