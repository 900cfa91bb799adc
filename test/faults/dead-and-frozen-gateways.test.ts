import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChildGateway, type ChildGateway } from "../crash/child-gateway.ts";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { complete, startMesh, type Mesh } from "../engine/mesh.ts";

/** Short, so that a takeover takes seconds; everything else is as in production. */
const options = { leaseMs: 3_000, requestTimeoutMs: 1_500 };
let mesh: Mesh;
let child: ChildGateway;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;

beforeEach(async () => {
  mesh = await startMesh({ options });
  child = await startChildGateway(await mesh.anotherGateway(), null);
  handler = await startScriptedHandler();
  receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
});
afterEach(async () => {
  child.signal("SIGKILL");
  await child.exited;
  await mesh.close();
});

const json = { "content-type": "application/json" };

test("a frozen gateway's operation is taken over, and what it writes when it wakes changes nothing", async () => {
  const first: (() => void)[] = [];
  handler.script((_call, response) => {
    if (first.length === 0)
      first.push(() => response.writeHead(200, json).end('"from the frozen one"'));
    else response.writeHead(200, json).end('"from the heir"');
  });
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.knownAt(child.url, endpoint);
  const { token } = (
    await mesh.start(endpoint, { callback: receiver.url, prefer: "respond-async", at: child.url })
  ).json();
  await waitFor("the dispatch", () => first.length > 0);
  child.signal("SIGSTOP");
  first[0]?.();
  const completion = await receiver.next("the heir's completion");
  expect(completion.body.toString()).toBe('"from the heir"');
  child.signal("SIGCONT");
  // It has read the late reply and been refused once it answers anything again.
  expect((await mesh.start(endpoint, { callback: receiver.url, at: child.url })).status).toBe(200);
  const pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 1 });
  const outcomes = await pool.query<{ result: Buffer }>(
    "select result from outcome where id = $1",
    [token],
  );
  await pool.end();
  expect(outcomes.rows.map(({ result }) => result.toString())).toEqual(['"from the heir"']);
  expect(
    receiver.received
      .filter(({ headers }) => headers["nexus-operation-token"] === token)
      .map(({ body }) => body.toString()),
  ).toEqual(['"from the heir"']);
});

test("a receiver that is down through three tries and its gateway's death gets its completion", async () => {
  handler.script({ status: 201, headers: json, body: '{"token":"h","state":"running"}' });
  receiver.answer(0);
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.knownAt(child.url, endpoint);
  const { token } = (await mesh.start(endpoint, { callback: receiver.url, at: child.url })).json();
  await complete(handler.calls[0], { state: "succeeded", body: '"late"', at: child.url });
  await waitFor("three tries", () => receiver.received.length >= 3, { ms: 20_000 });
  child.signal("SIGKILL");
  receiver.answer(200);
  const delivered = receiver.received.length;
  await waitFor("the delivery", () => receiver.received.length > delivered, { ms: 20_000 });
  const ids = new Set(receiver.received.map(({ headers }) => headers["webhook-id"]));
  expect(ids.size).toBe(1);
  expect([...ids][0]).toContain(token);
});

test("a start repeated at another gateway after the first one's death attaches", async () => {
  handler.script(() => undefined);
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.knownAt(child.url, endpoint);
  const start = { callback: receiver.url, requestId: "once", prefer: "respond-async" };
  const first = await mesh.start(endpoint, { ...start, at: child.url });
  await waitFor("the dispatch", () => handler.calls.length > 0);
  child.signal("SIGKILL");
  handler.script({ status: 200, headers: json, body: "1" });
  const repeat = await mesh.start(endpoint, start);
  expect(repeat.json().token).toBe(first.json().token);
  await receiver.next("the completion");
  expect(new Set(handler.calls.map(({ headers }) => headers["nexus-request-id"])).size).toBe(1);
});
