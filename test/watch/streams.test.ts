import { once } from "node:events";
import { connect } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startTwoGateways, type TwoGateways } from "../queues/two-gateways.ts";
import { eventsOf } from "./events-of.ts";

let mesh: TwoGateways;
let pool: pg.Pool;
beforeAll(async () => {
  mesh = await startTwoGateways();
  pool = new pg.Pool({ connectionString: mesh.here.databaseUrl, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await mesh.close();
});

/** Waits for a worker that never comes. */
async function start(): Promise<string> {
  const reply = await callApi(mesh.here.url, {
    method: "POST",
    path: "/v1/endpoints/jobs/services/jobs/operations/long",
    token: mesh.callerToken,
    json: "input",
  });
  return String(reply.body["id"]);
}

async function open({ context }: TestGateway): Promise<number> {
  const { values } = await context.metrics.eventStreams.get();
  return values[0]?.value ?? 0;
}

const at = (id: string): string => `/v1/operations/${id}/events`;

test("others learn nothing, a strange cursor is refused by name, and HEAD opens no stream", async () => {
  const id = await start();
  const stranger = await seedToken(mesh.here, "shop");
  const foreign = await callApi(mesh.here.url, { path: at(id), token: stranger });
  expect(foreign.body).toMatchObject({ status: 404, code: "OPERATION_NOT_FOUND" });
  const other = await eventsOf(mesh.here.url, await start(), mesh.callerToken);
  const cursor = await waitFor("an event", () => other.events[0]?.id);
  other.leave();
  for (const lastEventId of ["7", `${cursor}.1`, cursor]) {
    const headers = { "last-event-id": lastEventId };
    const refused = await callApi(mesh.here.url, {
      path: at(id),
      token: mesh.callerToken,
      headers,
    });
    expect(refused.body).toMatchObject({
      status: 400,
      code: "INVALID_CURSOR",
      errors: [{ pointer: "header:Last-Event-ID", rule: "cursor" }],
    });
  }
  const head = await fetch(mesh.here.url + at(id), {
    method: "HEAD",
    headers: { authorization: `Bearer ${mesh.callerToken}` },
  });
  expect(head.status).toBe(404);
});

test("a stream ends when its token is revoked, at whichever gateway, and when it expires; others go on", async () => {
  const id = await start();
  const revoked = await seedToken(mesh.here, "storefront");
  const expiring = await seedToken(mesh.here, "storefront", "caller", 3_000);
  const [ending, expired, staying] = await Promise.all(
    [revoked, expiring, mesh.callerToken].map((token) => eventsOf(mesh.there.url, id, token)),
  );
  if (ending === undefined || expired === undefined || staying === undefined)
    throw new Error("three were opened");
  expect([ending, expired, staying].map(({ status }) => status)).toEqual([200, 200, 200]);
  await waitFor("the first events", () => ending.events.length > 0);
  const owner = await seedToken(mesh.here, "storefront", "owner");
  const { jti } = JSON.parse(Buffer.from(revoked.split(".")[1] ?? "", "base64url").toString()) as {
    jti: string;
  };
  const reply = await callApi(mesh.here.url, {
    method: "DELETE",
    path: `/v1/namespaces/storefront/tokens/${jti}`,
    token: owner,
  });
  expect(reply.status).toBe(204);
  await Promise.all([ending.ended, expired.ended]);
  expect(await open(mesh.there)).toBe(1);
  const again = await callApi(mesh.there.url, { path: at(id), token: revoked });
  expect(again.body).toMatchObject({ code: "TOKEN_REVOKED" });
  staying.leave();
  await waitFor(
    "the stream that was left to be closed",
    async () => (await open(mesh.there)) === 0,
  );
});

test("a drain ends streams cleanly and takes no new one; another gateway goes on from their last event", async () => {
  const { databaseUrl, url: publicUrl } = mesh.here;
  const third = await startGateway({ databaseUrl, options: { publicUrl } });
  try {
    const id = await start();
    const reader = await eventsOf(third.url, id, mesh.callerToken);
    await waitFor("what blocks it", () => reader.events.at(-1)?.event === "blocked");
    await third.engine.drain(0);
    await reader.ended;
    const late = await callApi(third.url, { path: at(id), token: mesh.callerToken });
    expect(late.body).toMatchObject({ status: 503, code: "DRAINING" });
    const last = reader.events.at(-1)?.id;
    const next = await eventsOf(mesh.there.url, id, mesh.callerToken, last);
    await mesh.here.engine.terminate(id, "enough");
    await next.ended;
    expect(next.events.map(({ event, data }) => [event, data["state"]])).toEqual([
      ["outcome", "terminated"],
    ]);
    expect(next.events[0]?.data["message"]).toBe("operation was terminated");
  } finally {
    await third.close();
  }
});

test("nothing is kept for a reader that does not read; once it does, it gets the newest", async () => {
  const id = await start();
  const { hostname, port } = new URL(mesh.there.url);
  const slow = connect({ host: hostname, port: Number(port) });
  await once(slow, "connect");
  slow.write(
    `GET ${at(id)} HTTP/1.1\r\nHost: mesh\r\nAuthorization: Bearer ${mesh.callerToken}\r\n\r\n`,
  );
  const quick = await eventsOf(mesh.there.url, id, mesh.callerToken);
  // More than the kernel holds for a connection, by far.
  const steps = 16;
  for (let step = 1; step <= steps; step += 1) {
    const progress = JSON.stringify({ step, message: "x".repeat(2 ** 20) });
    await pool.query("update head set progress = $2, reported_at = now() where id = $1", [
      id,
      Buffer.from(progress),
    ]);
    await waitFor(`the quick reader to get step ${step}`, () =>
      quick.events.some(({ data }) => data["step"] === step),
    );
  }
  let got = "";
  slow.on("data", (chunk: Buffer) => (got += chunk.toString()));
  const last = `"step":${steps},`;
  await waitFor("the newest step", () => got.includes(last));
  expect(got.split("event: progress").length - 1).toBeLessThan(steps / 2);
  slow.destroy();
  quick.leave();
  await waitFor("both to be closed", async () => (await open(mesh.there)) === 0);
});
