import {
  CancelRequested,
  createWorker,
  workerContext,
  type Progress,
  type Worker,
  type WorkerOptions,
} from "@nexus-mesh/sdk/worker";
import {
  HandlerStartOperationResult,
  serviceHandler,
  type Link,
  type StartOperationContext,
} from "nexus-rpc";
import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy } from "../harness/proxy.ts";
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
let started: Started[];
let errors: unknown[];

beforeEach(async () => {
  mesh = await startTwoGateways();
  workers = [];
  started = [];
  errors = [];
});
afterEach(async () => {
  for (const { end } of started) end("the test is over");
  for (const { worker } of workers) void worker.drain();
  await Promise.all(workers.map(({ run }) => run));
  await mesh.close();
});

const handler = serviceHandler(jobs, {
  echo: (_ctx, text) => Promise.resolve({ text, caller: "" }),
  /** Ends when the test says so, canceled or not. */
  long: (ctx, text) =>
    new Promise((resolve) => {
      started.push({ ctx, text, end: resolve });
    }),
  later: {
    start: (ctx, token) => {
      started.push({ ctx, text: token, end: () => undefined });
      // JavaScript callers have no compiler to tell them that it must be a URL, which would escape it.
      if (token === "with an arrow")
        ctx.outboundLinks.push({ url: "http://a/\u2192", type: "t" } as unknown as Link);
      return Promise.resolve(HandlerStartOperationResult.async(token));
    },
    cancel: () => Promise.resolve(),
  },
  fail: () => Promise.resolve(""),
});

function work(url: string, more: Partial<WorkerOptions> = {}) {
  const worker = createWorker({
    url,
    token: mesh.workerToken,
    namespace: "insights",
    queue: "renders",
    services: [handler],
    leaseMs: 2_000,
    onError: (error) => errors.push(error),
    ...more,
  });
  const one = { worker, run: worker.run() };
  workers.push(one);
  return one;
}

const running = (text: string) =>
  waitFor(`"${text}" to run`, () => started.find((one) => one.text === text), { ms: 20_000 });

const report = async (operationId: string) =>
  (await mesh.admin().call("getOperation", { path: { operationId } })).progress;

const circular: { self?: unknown } = {};
circular.self = circular;

test("a report over its limits is the handler's error, and costs neither lease nor other reports", async () => {
  work(mesh.here.url);
  const operation = await mesh.client().start("long", "work");
  const one = await running("work");
  const { heartbeat } = workerContext(one.ctx);
  heartbeat({ step: 1 });
  const bad: [Progress, RegExp][] = [
    [{ message: "x".repeat(1_001) }, /message has 1001 .* at most 1000/],
    [{ step: 0.5 }, /step is 0\.5.* integer/],
    [{ of: -1 }, /of is -1.* 0 or more/],
    [{ detail: "x".repeat(4_095) }, /detail has 4097 bytes.* at most 4096/],
    [{ detail: { rows: 1n } }, /detail must be .* JSON/],
    [{ detail: circular }, /detail must be .* JSON/],
    [{ detail: () => 1 }, /detail must be .* JSON/],
  ];
  for (const [progress, message] of bad) {
    const call = (): void => {
      heartbeat(progress);
    };
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  }
  await waitFor("the good report", async () => (await report(operation.operationId))?.step === 1);
  one.end("done");
  expect(await operation.result()).toBe("done");
  expect(errors).toEqual([]);
});

test("reports at their limits are all taken, of more tasks than one request holds", async () => {
  work(mesh.here.url, { slots: 40, leaseMs: 10_000 });
  const client = mesh.client(mesh.there);
  const operations = await Promise.all(
    Array.from({ length: 40 }, (_, n) => client.start("long", String(n))),
  );
  await waitFor("all to run", () => started.length === operations.length, { ms: 20_000 });
  // Six bytes of JSON each; a character outside of the BMP counts once.
  const message = "\u0001".repeat(999) + "\u{1f600}";
  for (const { ctx } of started)
    workerContext(ctx).heartbeat({ message, detail: "x".repeat(4_094) });
  for (const { operationId } of operations)
    await waitFor("its report", async () => (await report(operationId))?.message === message);
  expect(errors).toEqual([]);
});

test("a report that the gateway refuses after all costs no lease, and the next one is taken", async () => {
  work(mesh.here.url);
  const operation = await mesh.client().start("long", "work");
  const one = await running("work");
  const { heartbeat } = workerContext(one.ctx);
  // The gateway's JSON parser takes no such key.
  const detail = JSON.parse('{"__proto__":1}') as unknown;
  // One with each beat, a beat each 200 ms: together longer than the lease.
  await waitFor("refusals", () => {
    heartbeat({ detail });
    return errors.length >= 15;
  });
  heartbeat({ step: 2 });
  await waitFor("the next report", async () => (await report(operation.operationId))?.step === 2);
  expect(errors).toEqual(errors.map(() => expect.objectContaining({ status: 400 }) as unknown));
  expect(one.ctx.abortSignal.aborted).toBe(false);
});

test("a report that met no gateway is sent again, unless a newer one came", async () => {
  const proxy = await startTcpProxy([{ host: "127.0.0.1", port: mesh.here.options.port }]);
  const agent = new Agent();
  try {
    let beats = 0;
    const dispatcher = agent.compose((dispatch) => (request, seen) => {
      if (request.path === "/v1/tasks/heartbeat") beats += 1;
      return dispatch(request, seen);
    });
    // It beats for reports only.
    work(proxy.url, { leaseMs: 60_000, heartbeatMs: 50_000, dispatcher });
    const operations = [];
    for (const text of ["kept", "newer"]) operations.push(await mesh.client().start("long", text));
    const kept = workerContext((await running("kept")).ctx);
    const newer = workerContext((await running("newer")).ctx);
    const [ofKept, ofNewer] = operations.map(
      ({ operationId }) =>
        () =>
          report(operationId),
    );
    proxy.blackhole(true);
    kept.heartbeat({ step: 1 });
    newer.heartbeat({ step: 1 });
    await waitFor("the beat to be on its way", () => beats === 1);
    newer.heartbeat({ step: 2 });
    proxy.blackhole(false);
    proxy.cut();
    await waitFor("the old report", async () => (await ofKept?.())?.step === 1);
    await waitFor("the newer report", async () => (await ofNewer?.())?.step === 2);
  } finally {
    await proxy.close();
  }
});

test.each([
  [
    "a result over the gateway's limit",
    "long",
    "x".repeat(3 * 1024 * 1024),
    413,
    "PAYLOAD_TOO_LARGE",
  ],
  ["an operation token with a line break", "later", "two\nlines", 400, "INVALID_REQUEST"],
] as const)(
  "an answer that is refused for good ends its operation: %s",
  async (_what, name, answer, status, code) => {
    work(mesh.here.url);
    const operation = await mesh.client().start(name, name === "later" ? answer : "work");
    if (name === "long") (await running("work")).end(answer);
    const error: unknown = await operation.result().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      type: "INTERNAL",
      retryableOverride: false,
      message: `the gateway refused the worker's answer: ${status} ${code}`,
    });
    expect(started).toHaveLength(1);
    expect(errors).toMatchObject([{ name: "AdminError", status, code }]);
  },
);

test("an answer with a header that HTTP can't carry ends its operation, and says which", async () => {
  work(mesh.here.url);
  const operation = await mesh.client().start("later", "with an arrow");
  await expect(operation.result()).rejects.toMatchObject({
    type: "INTERNAL",
    retryableOverride: false,
    message: "the worker's answer can't be sent: invalid nexus-link header",
  });
  expect(started).toHaveLength(1);
  expect(errors).toMatchObject([{ name: "InvalidRequest" }]);
});

test("a drained worker has stopped trying to answer, of a canceled task too", async () => {
  const proxy = await startTcpProxy([{ host: "127.0.0.1", port: mesh.here.options.port }]);
  try {
    const { worker, run } = work(proxy.url, { leaseMs: 5_000, heartbeatMs: 100, drainMs: 100 });
    const operation = await mesh.client(mesh.there).start("long", "work");
    const one = await running("work");
    await operation.cancel();
    await waitFor("the abort", () => one.ctx.abortSignal.aborted);
    expect(one.ctx.abortSignal.reason).toBeInstanceOf(CancelRequested);
    proxy.setUpstreams([]);
    proxy.cut();
    one.end("too late");
    void worker.drain();
    await run;
    // Were it still trying, it would get through now, long before the lease ends.
    proxy.setUpstreams([{ host: "127.0.0.1", port: mesh.here.options.port }]);
    await expect(operation.result()).rejects.toMatchObject({
      state: "canceled",
      message: "canceled while no worker had it",
    });
  } finally {
    await proxy.close();
  }
}, 30_000);
