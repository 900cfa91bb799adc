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
  // It stops itself with the reply in hand; frozen-for-forty-seconds says why not from outside, and has all the cases.
  const frozen = await startChildGateway(
    await mesh.anotherGateway(),
    "dispatch:replied",
    "SIGSTOP",
  );
  try {
    handler.script((_call, response) => {
      if (handler.calls.length === 1) response.writeHead(200, json).end('"from the frozen one"');
      else response.writeHead(201, json).end('{"token":"heir","state":"running"}');
    });
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.knownAt(frozen.url, endpoint);
    const start = { callback: receiver.url, prefer: "respond-async", at: frozen.url };
    const { token } = (await mesh.start(endpoint, start)).json();
    // Only the fence refuses a settle of what the heir has left open.
    await waitFor("the heir", async () => (await mesh.head(token))?.state === "started", {
      ms: 30_000,
    });
    expect(frozen.reached()).toBe(true);
    frozen.signal("SIGCONT");
    await waitFor("the late settle to be answered", async () => {
      const metrics = await (await fetch(`${frozen.opsUrl}/metrics`)).text();
      return metrics.includes('nexus_mesh_batch_seconds_count{statement="settle"} 1');
    });
    expect((await mesh.head(token))?.state).toBe("started");
    const completed = { state: "succeeded", body: '"completed"', at: frozen.url };
    expect(await complete(handler.calls[1], completed)).toEqual({ status: 200 });
    const completion = await receiver.next("the completion");
    expect(completion.headers["nexus-operation-token"]).toBe(token);
    expect(completion.body.toString()).toBe('"completed"');
  } finally {
    frozen.signal("SIGKILL");
    await frozen.exited;
  }
}, 90_000);

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
