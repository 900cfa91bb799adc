import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createAdminClient } from "@nexus-mesh/sdk/admin";
import { completeOperation } from "@nexus-mesh/sdk/complete-operation";
import {
  CancelRequested,
  createWorker,
  LeaseLost,
  workerContext,
  type Worker,
  type WorkerOptions,
} from "@nexus-mesh/sdk/worker";
import {
  HandlerError,
  HandlerStartOperationResult,
  OperationError,
  serviceHandler,
  type StartOperationContext,
} from "nexus-rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChildGateway } from "../crash/child-gateway.ts";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { callApi } from "../api/call-api.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { seedEndpoint, seedGrant, seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { jobs } from "./contract.ts";
import { startTwoGateways, type TwoGateways } from "./two-gateways.ts";

interface Started {
  readonly ctx: StartOperationContext;
  readonly text: string;
  readonly end: (result: string) => void;
}

let mesh: TwoGateways;
let workers: { worker: Worker; run: Promise<void> }[];
let children: ChildProcess[];
/** What the `long` and `later` handlers of this process were called with. */
let started: Started[];
let canceled: string[];
let errors: unknown[];

beforeEach(async () => {
  mesh = await startTwoGateways();
  workers = [];
  children = [];
  started = [];
  canceled = [];
  errors = [];
});
afterEach(async () => {
  for (const { end } of started) end("the test is over");
  for (const { worker } of workers) void worker.drain();
  await Promise.all(workers.map(({ run }) => run));
  for (const child of children) child.kill("SIGKILL");
  await mesh.close();
});

const link = { url: new URL("https://insights.example.com/reports/1"), type: "page" };
let failures = 0;
const handler = serviceHandler(jobs, {
  echo: (ctx, text) => {
    ctx.outboundLinks.push(link);
    return Promise.resolve({ text, caller: workerContext(ctx).caller?.namespace ?? "nobody" });
  },
  long: (ctx, text) =>
    new Promise((resolve, reject) => {
      started.push({ ctx, text, end: resolve });
      ctx.abortSignal.addEventListener("abort", () => {
        reject(ctx.abortSignal.reason as Error);
      });
    }),
  later: {
    start: (ctx, text) => {
      ctx.outboundLinks.push(link);
      started.push({ ctx, text, end: () => undefined });
      return Promise.resolve(HandlerStartOperationResult.async(`run-${text}`));
    },
    cancel: (_ctx, token) => {
      canceled.push(token);
      return Promise.resolve();
    },
  },
  fail: (_ctx, how) => {
    if (how === "failed") throw new OperationError("failed", "no stock");
    if (how === "refused") throw new HandlerError("BAD_REQUEST", "not like this");
    failures += 1;
    if (failures === 1) throw new Error("password=1");
    return Promise.resolve("at last");
  },
});

function work(url: string, more: Partial<WorkerOptions> = {}): Worker {
  const worker = createWorker({
    url,
    token: mesh.workerToken,
    namespace: "insights",
    queue: "renders",
    services: [handler],
    leaseMs: 3_000,
    onError: (error) => errors.push(error),
    ...more,
  });
  workers.push({ worker, run: worker.run() });
  return worker;
}

function spawnWorker(url: string, leaseMs: number, drainMs = 10_000) {
  const script = fileURLToPath(new URL("./worker-child.ts", import.meta.url));
  const options = JSON.stringify({ url, token: mesh.workerToken, leaseMs, drainMs });
  const child = spawn(process.execPath, ["--import", "tsx", script, options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return {
    child,
    exited: once(child, "exit").then(([code]: unknown[]) => code),
    said: (text: string) =>
      waitFor(`the worker to say "${text}"`, () => said.includes(text), { ms: 20_000 }),
  };
}

const running = (text: string) =>
  waitFor(`"${text}" to run`, () => started.find((one) => one.text === text), { ms: 20_000 });

test("the handlers of a handler server, behind a queue: results, errors, who called", async () => {
  work(mesh.there.url);
  const client = mesh.client(mesh.here);
  expect(await client.execute("echo", "Hi")).toEqual({ text: "Hi", caller: "storefront" });
  await expect(client.execute("fail", "failed")).rejects.toMatchObject({
    name: "OperationError",
    state: "failed",
    message: "no stock",
  });
  await expect(client.execute("fail", "refused")).rejects.toMatchObject({ type: "BAD_REQUEST" });
  failures = 0;
  expect(await client.execute("fail", "once")).toBe("at last");
  expect(errors).toContainEqual(new Error("password=1"));
});

test("takes no more than it has slots for, and works through what waits", async () => {
  work(mesh.here.url, { slots: 3, polls: 2 });
  const client = mesh.client(mesh.there);
  const texts = Array.from({ length: 8 }, (_, n) => String(n));
  const operations = [];
  for (const text of texts) operations.push(await client.start("long", text));
  await waitFor("three to run", () => started.length === 3);
  // Time enough for a poll of a worker that does not count.
  await mesh.polling(mesh.here, 0);
  expect(started).toHaveLength(3);
  const most: number[] = [];
  for (let ended = 0; ended < texts.length; ended += 1) {
    const next = await waitFor("the next to run", () => started[ended]);
    most.push(started.length - ended);
    next.end(`${next.text}!`);
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(3);
  const results = await Promise.all(operations.map((operation) => operation.result()));
  expect(results).toEqual(texts.map((text) => `${text}!`));
});

test("links of a handler reach the caller, of an answer at once and of one that comes later", async () => {
  const endpoint = await seedEndpoint(mesh.here, {
    name: "patient",
    owner: "insights",
    queue: "renders",
    policy: { inlineWaitMs: 20_000 },
  });
  await seedGrant(mesh.here, endpoint, "storefront");
  work(mesh.here.url);
  for (const [operation, status] of [
    ["echo", 200],
    ["later", 201],
  ] as const) {
    const answer = await callApi(mesh.here.url, {
      method: "POST",
      path: `/nexus/endpoints/patient/services/jobs/${operation}`,
      token: mesh.callerToken,
      // Durable, as all that a queue serves: it waits for the first answer.
      json: "Hi",
    });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers["nexus-link"]).toBe(`<${link.url.href}>; type="page"`);
  }
});

test("a worker that is killed costs its lease, and another one ends its work", async () => {
  const child = spawnWorker(mesh.here.url, 2_000);
  const operation = await mesh.client(mesh.there).start("long", "work");
  await child.said("runs work");
  child.child.kill("SIGKILL");
  await child.exited;
  work(mesh.there.url);
  (await running("work")).end("by the heir");
  expect(await operation.result()).toBe("by the heir");
  const path = { operationId: operation.operationId };
  expect(await mesh.admin().call("getOperation", { path })).toMatchObject({ attempts: 2 });
  const { items } = await mesh.admin().call("listAttempts", { path });
  expect(items).toMatchObject([{ kind: "start", n: 1, status: null }]);
});

test("a gateway that is killed costs a running worker nothing: it beats and answers through the other", async () => {
  const gateway = await startChildGateway(
    { ...mesh.here.options, port: await freePort(), opsPort: 0 },
    null,
  );
  const { hostname: host, port } = new URL(gateway.url);
  const proxy = await startTcpProxy([{ host, port: Number(port) }]);
  try {
    work(proxy.url, { leaseMs: 2_000 });
    const operation = await mesh.client(mesh.here).start("long", "work");
    const one = await running("work");
    const leaseEnd = async () =>
      (await mesh.there.context.store.summary(operation.operationId))?.head?.dueAt ?? 0;
    gateway.signal("SIGKILL");
    await gateway.exited;
    const atDeath = await leaseEnd();
    proxy.setUpstreams([{ host, port: mesh.there.options.port }]);
    // More than its lease further: without heartbeats through the other gateway somebody else would have it.
    await waitFor(
      "heartbeats to carry it over its lease",
      async () => (await leaseEnd()) > atDeath + 2_000,
    );
    expect(one.ctx.abortSignal.aborted).toBe(false);
    one.end("done");
    expect(await operation.result()).toBe("done");
    expect(started).toHaveLength(1);
    const path = { operationId: operation.operationId };
    expect(await mesh.admin().call("getOperation", { path })).toMatchObject({ attempts: 1 });
    // And it polls there.
    expect(await mesh.client().execute("echo", "again")).toMatchObject({ text: "again" });
  } finally {
    await proxy.close();
  }
}, 30_000);

test("a cancel is the handler's abort, and what it throws then is a cancellation", async () => {
  work(mesh.there.url, { heartbeatMs: 100 });
  const operation = await mesh.client(mesh.here).start("long", "work");
  const one = await running("work");
  await operation.cancel();
  await expect(operation.result()).rejects.toMatchObject({ state: "canceled" });
  expect(one.ctx.abortSignal.reason).toBeInstanceOf(CancelRequested);
});

test("a lease that is lost is the handler's abort, and its answer is not taken", async () => {
  const proxy = await startTcpProxy([{ host: "127.0.0.1", port: mesh.here.options.port }]);
  try {
    const cutOff = work(proxy.url, { leaseMs: 1_000, slots: 1 });
    const operation = await mesh.client(mesh.there).start("long", "work");
    const one = await running("work");
    proxy.setUpstreams([]);
    proxy.cut();
    await waitFor("the abort", () => one.ctx.abortSignal.aborted);
    expect(one.ctx.abortSignal.reason).toBeInstanceOf(LeaseLost);
    void cutOff.drain();
    work(mesh.there.url);
    await waitFor("the heir to run it", () => started.length === 2);
    started[1]?.end("by the heir");
    expect(await operation.result()).toBe("by the heir");
  } finally {
    await proxy.close();
  }
});

test("an asynchronous start is completed later from anywhere, and canceled by a task", async () => {
  work(mesh.here.url);
  const operation = await mesh.client(mesh.there).start("later", "4711");
  const { ctx } = await running("4711");
  await operation.cancel();
  await waitFor("the cancel", () => canceled.includes("run-4711"));
  const { callbackUrl = "", callbackHeaders } = ctx;
  await completeOperation({ callbackUrl, callbackHeaders }, { result: "done after all" });
  expect(await operation.result()).toBe("done after all");
});

test("progress is seen by the caller at any gateway, the newest report first", async () => {
  work(mesh.here.url);
  const operation = await mesh.client(mesh.here).start("long", "work");
  const one = await running("work");
  const path = { operationId: operation.operationId };
  const seen = () => mesh.admin(mesh.there).call("getOperation", { path });
  const { heartbeat } = workerContext(one.ctx);
  heartbeat({ step: 1, of: 3, message: "reading", detail: { rows: 7 } });
  await waitFor("the report", async () => (await seen()).progress?.step === 1);
  expect(await seen()).toMatchObject({
    state: "started",
    // Whose machine it is, is the owner's.
    worker: null,
    progress: { step: 1, of: 3, message: "reading", detail: { rows: 7 } },
  });
  const owner = await seedToken(mesh.here, "insights", "viewer");
  const byOwner = createAdminClient({ url: mesh.here.url, token: owner });
  expect((await byOwner.call("getOperation", { path })).worker).toContain(String(process.pid));
  for (let step = 2; step <= 3; step += 1) heartbeat({ step, of: 3 });
  await waitFor("the newest report", async () => (await seen()).progress?.step === 3);
  one.end("done");
  await operation.result();
  expect(await seen()).toMatchObject({ state: "succeeded", progress: { step: 3, message: null } });
});

test("on SIGTERM a worker takes nothing new, ends what it can, gives back the rest and exits", async () => {
  const child = spawnWorker(mesh.here.url, 60_000, 2_000);
  const client = mesh.client(mesh.there);
  const slow = await client.start("long", "slow");
  await child.said("runs slow");
  const stuck = await client.start("long", "stuck");
  await child.said("runs stuck");
  child.child.kill("SIGTERM");
  await waitFor("its polls to end", async () => {
    const { values } = await mesh.here.context.metrics.pollsWaiting.get();
    return values[0]?.value === 0;
  });
  const late = await client.start("echo", "late");
  expect(await child.exited).toBe(0);
  expect(await slow.result()).toBe("ended in the drain");
  // Long before the lease of a minute has ended.
  work(mesh.there.url);
  expect(await late.result()).toMatchObject({ text: "late" });
  (await running("stuck")).end("by another");
  expect(await stuck.result()).toBe("by another");
}, 30_000);

test("a gateway that drains answers the polls that wait, and its worker goes on at another", async () => {
  const proxy = await startTcpProxy([{ host: "127.0.0.1", port: mesh.there.options.port }]);
  try {
    work(proxy.url, { polls: 1 });
    await mesh.polling(mesh.there, 1);
    proxy.setUpstreams([{ host: "127.0.0.1", port: mesh.here.options.port }]);
    await mesh.there.engine.drain(0);
    await mesh.polling(mesh.there, 0);
    proxy.cut();
    expect(await mesh.client(mesh.here).execute("echo", "Hi")).toMatchObject({ text: "Hi" });
  } finally {
    await proxy.close();
  }
});
