import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { decodeProtectedHeader } from "jose";
import { Pool } from "pg";
import { request } from "undici";
import { expect, test } from "vitest";
import { reseal } from "../../gateway/src/commands/reseal.ts";
import { generateMasterKey, parseMasterKeys } from "../../gateway/src/identity/master-key.ts";
import { SealBroken } from "../../gateway/src/identity/seal.ts";
import { complete } from "../engine/mesh.ts";
import { startCallbackReceiver } from "../harness/callback-receiver.ts";
import { startGateway } from "../harness/gateway.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { portOf } from "../harness/port-of.ts";
import { createDatabase } from "../harness/postgres.ts";
import { seedMesh } from "../harness/seed-mesh.ts";
import { waitFor } from "../harness/wait-for.ts";

const endpoint = "reports";

/** A mesh whose rows are sealed with `oldKey`; its handler starts and does not end. */
async function openMesh(backoff: GatewayOptions["backoff"]) {
  const [oldKey, newKey] = [generateMasterKey(), generateMasterKey()];
  const database = await createDatabase();
  const handler = await startScriptedHandler({
    status: 201,
    headers: { "content-type": "application/json" },
    body: '{"token":"job","state":"running"}',
  });
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const options = { port, publicUrl, backoff };
  const { token } = await seedMesh(
    {
      ...defaultGatewayOptions,
      ...options,
      databaseUrl: database.url,
      masterKeys: [oldKey],
      opsPort: 0,
      allowUnsafeDatabase: true,
    },
    endpoint,
    handler.url,
  );
  return {
    oldKey,
    newKey,
    database,
    handler,
    settings: { databaseUrl: database.url, masterKeys: [newKey, oldKey] },
    start: (masterKeys: readonly string[]) =>
      startGateway({ databaseUrl: database.url, options: { ...options, masterKeys } }),
    /** Starts an operation; its callback brings the secret. */
    async call(callbackUrl: string, secret: string): Promise<string> {
      const callback = encodeURIComponent(callbackUrl);
      const reply = await request(
        `${publicUrl}/nexus/endpoints/${endpoint}/services/s/o?callback=${callback}`,
        {
          method: "POST",
          headers: {
            authorization: `Bearer ${token}`,
            prefer: "respond-async",
            "nexus-callback-x-secret": secret,
          },
          body: "{}",
        },
      );
      expect(reply.statusCode).toBe(201);
      return ((await reply.body.json()) as { token: string }).token;
    },
    async close() {
      await handler.close();
      await database.drop();
    },
  };
}

test("after a reseal the old master key is needed by nothing: a callback that was owed before comes with its secret", async () => {
  const mesh = await openMesh({ firstMs: 50, maxMs: 100 });
  const { oldKey, newKey, handler, settings, start } = mesh;
  const receiver = await startCallbackReceiver();
  const secretsOf = (id: string, since = 0) =>
    receiver.received
      .slice(since)
      .filter(({ headers }) => headers["nexus-operation-token"] === id)
      .map(({ headers }) => headers["x-secret"]);

  const before = await start([oldKey]);
  receiver.answer(500);
  const owed = await mesh.call(receiver.url, "of the owed one");
  const first = await handler.nextCall("the first start");
  expect(await complete(first, { state: "succeeded", body: '"done"' })).toEqual({ status: 200 });
  await waitFor("a delivery to fail", () => receiver.received.length > 0);
  const running = await mesh.call(receiver.url, "of the running one");
  const second = await handler.nextCall("the second start", (one) => one !== first);
  await before.close();

  const rotating = await start([newKey, oldKey]);
  // The callbacks' HMAC, the signing key, the namespace's callback secret and where it was made, two operations, a callback.
  expect(await reseal(settings)).toBe(7);
  expect(await reseal(settings)).toBe(0);
  await rotating.close();

  await expect(start([oldKey])).rejects.toThrow(SealBroken);
  receiver.answer(200);
  const refused = receiver.received.length;
  const after = await start([newKey]);
  await waitFor("the callback that was owed", () => secretsOf(owed, refused).length > 0);
  expect(secretsOf(owed, refused)).toEqual(["of the owed one"]);
  expect(await complete(second, { state: "succeeded", body: '"done"' })).toEqual({ status: 200 });
  await waitFor("the callback of the one that ran", () => secretsOf(running).length > 0);
  expect(secretsOf(running)).toEqual(["of the running one"]);

  await after.close();
  await receiver.close();
  await mesh.close();
});

test("what was on its way while all was sealed anew is not written back under the old key", async () => {
  const mesh = await openMesh({ firstMs: 60_000, maxMs: 60_000 });
  const { oldKey, newKey, database, handler, settings, start } = mesh;
  const held: ServerResponse[] = [];
  const receiver = createServer((_request, response) => held.push(response));
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const before = await start([oldKey]);
  await mesh.call(`http://127.0.0.1:${portOf(receiver.address())}/callback`, "s");
  const call = await handler.nextCall("the start");
  await before.close();

  const rotating = await start([newKey, oldKey]);
  expect(await complete(call, { state: "succeeded", body: '"done"' })).toEqual({ status: 200 });
  await waitFor("the callback to be on its way", () => held.length > 0);
  expect(await reseal(settings)).toBeGreaterThan(0);
  held[0]?.writeHead(500).end();
  await rotating.close();
  const pool = new Pool({ connectionString: database.url, max: 1 });
  const { rows } = await pool.query<{ headers: Buffer }>("select headers from callback");
  await pool.end();
  expect(rows).toHaveLength(1);
  const { kid } = decodeProtectedHeader(rows[0]?.headers.toString() ?? "");
  expect(kid).toBe(parseMasterKeys([newKey])[0].kid);

  receiver.close();
  await mesh.close();
});
