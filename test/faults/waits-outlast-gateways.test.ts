import {
  createNexusClient,
  type OperationEvent,
  type OperationHandle,
} from "@nexus-mesh/sdk/client";
import { operation, service } from "nexus-rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChildGateway, type ChildGateway } from "../crash/child-gateway.ts";
import { complete, startMesh, type Mesh } from "../engine/mesh.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { startTcpProxy, type TcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";

const reports = service("reports", { build: operation<undefined, { rows: number }>() });
let mesh: Mesh;
let balancer: TcpProxy;
let handler: ScriptedHandler;
let children: ChildGateway[];

beforeEach(async () => {
  mesh = await startMesh();
  balancer = await startTcpProxy([]);
  handler = await startScriptedHandler({
    status: 201,
    headers: { "content-type": "application/json" },
    body: '{"token":"h","state":"running"}',
  });
  mesh.track(handler, balancer);
  children = [];
});
afterEach(async () => {
  for (const child of children) child.signal("SIGKILL");
  await Promise.all(children.map(({ exited }) => exited));
  await mesh.close();
});

async function child(options?: Awaited<ReturnType<Mesh["anotherGateway"]>>): Promise<ChildGateway> {
  const started = await startChildGateway(options ?? (await mesh.anotherGateway()), null);
  children.push(started);
  return started;
}

const upstream = ({ url }: { url: string }) => ({
  host: "127.0.0.1",
  port: Number(new URL(url).port),
});

/** Started at a gateway that lives on, and waited for through others. */
async function startedOperation(): Promise<OperationHandle<{ rows: number }>> {
  const endpoint = await mesh.endpoint(handler.url);
  const { token } = (await mesh.start(endpoint, { prefer: "respond-async" })).json();
  await handler.nextCall("the start");
  return createNexusClient({
    url: balancer.url,
    token: mesh.token("caller"),
    retry: { firstDelayMs: 50, maxDelayMs: 300 },
  })
    .service({ endpoint, service: reports })
    .handle("build", token);
}

/** Follows one operation; `heard` grows as its events come. */
function follow(handle: OperationHandle<{ rows: number }>) {
  const heard: OperationEvent[] = [];
  let interruptions = 0;
  const watched = (async () => {
    for await (const event of handle.watch({ onInterrupted: () => (interruptions += 1) }))
      heard.push(event);
  })();
  const states = () => heard.flatMap((event) => ("state" in event ? [event.state as string] : []));
  return { heard, watched, states, interruptions: () => interruptions };
}

const outcome = { state: "succeeded", body: '{"rows":7}' };

test("a watch and a wait outlast a killed gateway for as long as it takes to start again", async () => {
  const options = await mesh.anotherGateway();
  const first = await child(options);
  balancer.setUpstreams([upstream(first)]);
  const handle = await startedOperation();
  const { watched, states, interruptions } = follow(handle);
  const result = handle.result();
  await waitFor("the state", () => states().includes("started"));
  first.signal("SIGKILL");
  await first.exited;
  // More than the five tries of a call.
  await waitFor("many tries", () => interruptions() > 8, { ms: 20_000 });
  expect((await complete(handler.calls[0], outcome)).status).toBe(200);
  await child(options);
  await watched;
  expect(states()).toEqual(["scheduled", "started", "succeeded"]);
  expect(await result).toEqual({ rows: 7 });
}, 120_000);

test("a watch and a wait go on at another gateway when theirs drains", async () => {
  const [first, second] = [await child(), await child()];
  balancer.setUpstreams([upstream(first)]);
  const handle = await startedOperation();
  const { watched, states, interruptions } = follow(handle);
  const result = handle.result();
  await waitFor("the state", () => states().includes("started"));
  balancer.setUpstreams([upstream(second)]);
  await first.stop();
  await waitFor("the end of the stream", () => interruptions() > 0);
  expect((await complete(handler.calls[0], outcome)).status).toBe(200);
  await watched;
  expect(states()).toEqual(["scheduled", "started", "succeeded"]);
  expect(await result).toEqual({ rows: 7 });
}, 120_000);

test("a watch whose connection went half open is asked for again when it was silent for too long", async () => {
  const first = await child();
  balancer.setUpstreams([upstream(first)]);
  const handle = await startedOperation();
  const heard: OperationEvent[] = [];
  let why = "";
  const onInterrupted = (error: Error) => {
    balancer.blackhole(false);
    why = error.message;
  };
  for await (const event of handle.watch({ silenceMs: 2_000, onInterrupted })) {
    heard.push(event);
    if (event.type !== "state" || event.state !== "started") continue;
    balancer.blackhole(true);
    expect((await complete(handler.calls[0], outcome)).status).toBe(200);
  }
  expect(why).toContain("no byte within 2000 ms");
  expect(heard.filter(({ type }) => type === "state" || type === "outcome")).toHaveLength(3);
}, 120_000);
