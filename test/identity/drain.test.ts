import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { defaultGatewayOptions } from "../../gateway/src/options.ts";
import { createGateway, type RunningGateway } from "../../gateway/src/server.ts";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { testMasterKey } from "../harness/gateway.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";
import { seedEndpoint, seedGrant, seedNamespace, seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

describe("a drain", () => {
  it("answers long polls and ends connections by saying so, never by a reset", async () => {
    const { gateway, token } = await start();
    const agent = new Agent({ connections: 20, keepAliveTimeout: 60_000 });
    opened.push(agent);
    const headers = { authorization: `Bearer ${token}` };
    const request = (path: string, method: "GET" | "POST" = "GET") =>
      agent.request({ origin: gateway.address, path, method, headers });

    const ids = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const started = await request("/v1/endpoints/slow/services/s/operations/o", "POST");
        expect(started.statusCode).toBe(201);
        return ((await started.body.json()) as { id: string }).id;
      }),
    );
    const polls = ids.map(async (id) => {
      const polled = await request(`/v1/operations/${id}?wait=60s`);
      return { status: polled.statusCode, body: (await polled.body.json()) as { state: string } };
    });
    const traffic = keepAsking(() => request("/v1/version"));
    await waitFor("the polls to wait", async () =>
      /nexus_mesh_waiters 10\b/.test(await gateway.context.metrics.registry.metrics()),
    );

    const draining = gateway.drain();
    const ready = await fetch(`${gateway.opsAddress}/readyz`);
    expect(ready.status).toBe(503);
    for (const poll of await Promise.all(polls)) {
      expect(poll.status).toBe(200);
      // That it was started is written lazily.
      expect(["scheduled", "started"]).toContain(poll.body.state);
    }
    await draining;
    await gateway.close();
    expect(await traffic).toEqual([]);
  });
});

/** Ten clients that ask over and over until they are told that their connection ends: they go to another gateway. */
async function keepAsking(ask: () => ReturnType<Agent["request"]>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const client = async (): Promise<void> => {
    try {
      for (;;) {
        const { headers, body } = await ask();
        await body.dump();
        if (headers["connection"] === "close") return;
      }
    } catch (error) {
      errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: 10 }, client));
  return errors;
}

async function start(): Promise<{ gateway: RunningGateway; token: string }> {
  const database: TestDatabase = await createDatabase();
  opened.push({ close: () => database.drop() });
  const handler = await startScriptedHandler({
    status: 201,
    headers: { "content-type": "application/json" },
    body: '{"token":"running","state":"running"}',
  });
  opened.push(handler);
  const port = await freePort();
  const gateway = await createGateway({
    ...defaultGatewayOptions,
    databaseUrl: database.url,
    publicUrl: `http://127.0.0.1:${port}`,
    port,
    opsPort: 0,
    masterKeys: [testMasterKey],
    poolSize: 4,
    allowUnsafeDatabase: true,
  });
  opened.push(gateway);
  await seedNamespace(gateway, "team");
  const slow = { name: "slow", owner: "team", targetUrl: handler.url };
  await seedGrant(gateway, await seedEndpoint(gateway, slow), "team");
  return { gateway, token: await seedToken(gateway, "team") };
}
