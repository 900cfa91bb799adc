import { once } from "node:events";
import { connect } from "node:net";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startTwoGateways, tokenOf, type TwoGateways } from "./two-gateways.ts";

let mesh: TwoGateways;
let pool: Pool;
beforeAll(async () => {
  mesh = await startTwoGateways();
  pool = new Pool({ connectionString: mesh.here.databaseUrl, max: 1 });
});
beforeEach(async () => {
  // What a test left in the queue is no other test's.
  while ((await mesh.poll(mesh.here, "", { limit: 100 })).length > 0);
});
afterAll(async () => {
  await pool.end();
  await mesh.close();
});

const workerFailure = (type: string, details: object) => ({
  json: { message: "no stock", metadata: { type }, details },
});

const causedBy = (text: string) => ({
  cause: { message: expect.stringContaining(text) as string },
});

describe("a poll", () => {
  test("brings the request that a handler would have got, and a token", async () => {
    const { here, there } = mesh;
    const started = await mesh.client().start("echo", "Hi", {
      requestId: "order-1",
      scheduleToCloseMs: 60_000,
      headers: { "x-own": "y" },
    });
    const [task, ...none] = await mesh.poll(there, "?wait=10s");
    expect(none).toEqual([]);
    expect(task?.body.toString()).toBe('"Hi"');
    expect(task?.headers).toMatchObject({
      "content-type": "application/json",
      "nexus-mesh-task-path": "/jobs/echo",
      "nexus-mesh-task-attempt": "1",
      "nexus-mesh-task-lease": "30000ms",
      "nexus-mesh-operation-id": started.operationId,
      "nexus-mesh-caller-request-id": "order-1",
      "nexus-mesh-callback-url": `${here.url}/nexus/callback`,
      "x-own": "y",
    });
    expect(Number.parseInt(task?.headers["operation-timeout"] ?? "", 10)).toBeLessThan(60_001);
    expect(task?.headers["authorization"]).toBeUndefined();
    expect((await mesh.answer(here, "complete", tokenOf(task), { raw: '"yes"' })).status).toBe(204);
    expect(await started.result()).toBe("yes");
  });

  test("waits, and hears of a task that comes through the other gateway", async () => {
    const waiting = mesh.poll(mesh.there, "?wait=30s");
    await mesh.polling(mesh.there, 1);
    const started = await mesh.client(mesh.here).start("echo", "Hi");
    const [task] = await waiting;
    expect(task?.headers["nexus-mesh-operation-id"]).toBe(started.operationId);
    expect((await mesh.answer(mesh.there, "complete", tokenOf(task), { raw: "1" })).status).toBe(
      204,
    );
  });

  test("that waits finds a task of which nobody told", async () => {
    // Handed to a poll that waits: nobody is notified of this one.
    const handed = mesh.poll(mesh.here, "?wait=30s");
    await mesh.polling(mesh.here, 1);
    await mesh.client(mesh.here).start("echo", "Hi");
    const [task] = await handed;
    const lease = mesh.here.engine.queues.verify(tokenOf(task));
    if (lease === undefined) throw new Error("the task's token is not valid");
    const waiting = mesh.poll(mesh.there, "?wait=30s");
    await mesh.polling(mesh.there, 1);
    const { queueId } = lease;
    const how = { kind: "released", startBy: null } as const;
    // Past the engine, which would notify.
    await mesh.here.context.store.putDown({ lease, queueId, priority: 3, closeBy: null, how });
    expect((await waiting)[0]?.body.toString()).toBe('"Hi"');
  });

  test("that waits gets a task in the commit that accepts it: it never lies in the queue", async () => {
    const handed = async () => {
      const { values } = await mesh.here.context.metrics.tasks.get();
      return values.find(({ labels }) => labels.result === "handed")?.value ?? 0;
    };
    const before = await handed();
    const waiting = mesh.poll(mesh.here, "?wait=30s");
    await mesh.polling(mesh.here, 1);
    const answered = mesh.client(mesh.here).execute("echo", "Hi");
    const [task] = await waiting;
    await mesh.answer(mesh.here, "complete", tokenOf(task), { raw: '{"text":"Hi"}' });
    expect(await answered).toEqual({ text: "Hi" });
    expect(await handed()).toBe(before + 1);
  });

  test("takes as many as it asks for, and answers empty when its time is over", async () => {
    for (const text of ["1", "2", "3"]) await mesh.client().start("echo", text);
    const tasks = await mesh.poll(mesh.there, "", { limit: 2 });
    expect(tasks.map(({ body }) => body.toString())).toEqual(['"1"', '"2"']);
    expect(await mesh.poll(mesh.there, "", { limit: 2 })).toHaveLength(1);
    expect(await mesh.poll(mesh.there, "?wait=50ms")).toEqual([]);
  });

  test("of a worker that hung up costs nobody a lease", async () => {
    const hangUp = new AbortController();
    const gone = fetch(`${mesh.here.url}/v1/namespaces/insights/queues/renders/poll?wait=30s`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${mesh.workerToken}`,
        "content-type": "application/json",
      },
      body: '{"worker":"gone"}',
      signal: hangUp.signal,
    });
    await mesh.polling(mesh.here, 1);
    hangUp.abort();
    await expect(gone).rejects.toThrow();
    await mesh.polling(mesh.here, 0);
    await mesh.client(mesh.here).start("echo", "Hi");
    expect(await mesh.poll(mesh.there, "?wait=10s")).toHaveLength(1);
  });

  test("brings no more bytes than fit into a few payloads; what is left waits on", async () => {
    const large = "x".repeat(1_200_000);
    for (let n = 0; n < 10; n += 1) await mesh.client().start("echo", large);
    const first = await mesh.poll(mesh.here, "", { limit: 10 });
    expect(first).toHaveLength(8);
    const left: string[] = [];
    while (left.length < 2) {
      const tasks = await mesh.poll(mesh.there, "?wait=20s", { limit: 10 });
      left.push(...tasks.map(({ headers }) => headers["nexus-mesh-task-attempt"] ?? ""));
    }
    expect(left).toEqual(["1", "1"]);
  });

  test("whose answer did not arrive costs nobody a lease", async () => {
    const large = "x".repeat(1_500_000);
    for (let n = 0; n < 6; n += 1) await mesh.client().start("echo", large);
    const body = '{"worker":"gone","limit":6}';
    const socket = connect(Number(new URL(mesh.here.url).port), "127.0.0.1");
    socket.write(
      `POST /v1/namespaces/insights/queues/renders/poll HTTP/1.1\r\nHost: mesh\r\nAuthorization: Bearer ${mesh.workerToken}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    // Its first bytes are there, the rest is on its way.
    await once(socket, "data");
    socket.destroy();
    const again: string[] = [];
    while (again.length < 6) {
      const tasks = await mesh.poll(mesh.there, "?wait=20s", { limit: 6, lease: "60s" });
      again.push(...tasks.map(({ headers }) => headers["nexus-mesh-task-attempt"] ?? ""));
    }
    expect(again).toEqual(Array(6).fill("1"));
  });

  test("names its worker in a way that can be shown", async () => {
    const named = (worker: string) =>
      callApi(mesh.here.url, {
        method: "POST",
        path: "/v1/namespaces/insights/queues/renders/poll",
        token: mesh.workerToken,
        json: { worker },
      });
    for (const worker of ["", "a\u0000b", "a\nb", "x".repeat(201)])
      expect(await named(worker)).toMatchObject({
        status: 400,
        body: { code: "INVALID_REQUEST", errors: [{ pointer: "/worker", rule: "pattern" }] },
      });
    expect((await named("x".repeat(200))).status).toBe(204);
  });

  test("is for workers of the queue's namespace", async () => {
    const path = "/v1/namespaces/insights/queues/renders/poll";
    const json = { worker: "w" };
    const { url } = mesh.here;
    const caller = await callApi(url, { method: "POST", path, token: mesh.callerToken, json });
    expect(caller.body).toMatchObject({ code: "PERMISSION_DENIED" });
    const foreign = await seedToken(mesh.here, "shop", "handler");
    const other = await callApi(url, { method: "POST", path, token: foreign, json });
    expect(other.body).toMatchObject({ code: "PERMISSION_DENIED" });
    await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here);
    const answer = await callApi(url, {
      method: "POST",
      path: "/v1/tasks/complete",
      token: foreign,
      headers: { "nexus-mesh-task-token": tokenOf(task) },
      raw: "1",
    });
    expect(answer.body).toMatchObject({ code: "INVALID_TASK_TOKEN" });
  });
});

describe("a lease", () => {
  test("that ended is another worker's: the late answer is refused and changes nothing", async () => {
    const started = await mesh.client().start("echo", "Hi");
    const [first] = await mesh.poll(mesh.here, "", { lease: "1s" });
    const [second] = await mesh.poll(mesh.there, "?wait=20s");
    expect(second?.headers).toMatchObject({
      "nexus-mesh-operation-id": started.operationId,
      "nexus-mesh-task-attempt": "2",
    });
    for (const [verb, body] of [
      ["complete", { raw: '"late"' }],
      ["fail", workerFailure("nexus.HandlerError", { type: "INTERNAL" })],
      ["start", { json: { operationToken: "t" } }],
    ] as const) {
      const late = await mesh.answer(mesh.here, verb, tokenOf(first), body);
      expect(late.body, verb).toMatchObject({ code: "LEASE_LOST", status: 409 });
    }
    const beat = { json: { worker: "w", tasks: [{ token: tokenOf(first) }] } };
    expect((await mesh.answer(mesh.here, "heartbeat", "", beat)).body).toEqual({
      tasks: [{ state: "lost", cancelRequested: false }],
    });
    const given = { json: { tokens: [tokenOf(first)] } };
    expect((await mesh.answer(mesh.here, "release", "", given)).body).toEqual({
      tasks: [{ state: "lost" }],
    });
    const right = () => mesh.answer(mesh.there, "complete", tokenOf(second), { raw: '"right"' });
    expect((await right()).status).toBe(204);
    expect(await started.result()).toBe("right");
    // Its reply may have been lost: the same answer again is welcome, under the lease that gave it only.
    expect((await right()).status).toBe(204);
    const same = await mesh.answer(mesh.here, "complete", tokenOf(first), { raw: '"right"' });
    expect(same.body).toMatchObject({ code: "LEASE_LOST" });
  });

  test("is kept by heartbeats, sent to any gateway", async () => {
    await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here, "", { lease: "1s" });
    const end = performance.now() + 2_500;
    for (let n = 0; performance.now() < end; n += 1) {
      const at = n % 2 === 0 ? mesh.here : mesh.there;
      const beat = { json: { worker: "w", tasks: [{ token: tokenOf(task) }] } };
      expect((await mesh.answer(at, "heartbeat", "", beat)).body).toEqual({
        tasks: [{ state: "held", cancelRequested: false }],
      });
      expect(await mesh.poll(mesh.here, "?wait=200ms")).toEqual([]);
    }
    expect((await mesh.answer(mesh.there, "complete", tokenOf(task))).status).toBe(204);
  });
});

test("one bad report among heartbeats is named, and none of them is begun", async () => {
  const started = await mesh.client().start("echo", "Hi");
  const [task] = await mesh.poll(mesh.here);
  const token = tokenOf(task);
  const tasks = [
    { token, progress: { step: 1 } },
    { token, progress: { detail: "x".repeat(5_000) } },
  ];
  const reply = await mesh.answer(mesh.here, "heartbeat", "", { json: { worker: "w", tasks } });
  expect(reply.body).toMatchObject({
    code: "INVALID_REQUEST",
    errors: [{ pointer: "/tasks/1/progress/detail", rule: "max-bytes" }],
  });
  const { operationId } = started;
  const { progress } = await mesh.admin().call("getOperation", { path: { operationId } });
  expect(progress ?? null).toBeNull();
});

describe("an answer", () => {
  test.each([
    ["nexus.OperationError", { state: "failed" }, "failed"],
    ["nexus.OperationError", { state: "canceled" }, "canceled"],
    ["nexus.HandlerError", { type: "BAD_REQUEST" }, "failed"],
  ])("of a %s with %j ends the operation", async (type, details, state) => {
    const started = await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here);
    const failed = await mesh.answer(
      mesh.there,
      "fail",
      tokenOf(task),
      workerFailure(type, details),
    );
    expect(failed.status).toBe(204);
    const path = { operationId: started.operationId };
    expect(await mesh.admin().call("getOperation", { path })).toMatchObject({ state, attempts: 1 });
    await expect(started.result()).rejects.toThrow("no stock");
  });

  test("that may be tried again goes back to the queue after a pause, and the attempt is recorded", async () => {
    const started = await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here);
    await mesh.answer(
      mesh.here,
      "fail",
      tokenOf(task),
      workerFailure("nexus.HandlerError", { type: "UNAVAILABLE" }),
    );
    const [again] = await mesh.poll(mesh.there, "?wait=20s");
    expect(again?.headers["nexus-mesh-task-attempt"]).toBe("2");
    const path = { operationId: started.operationId };
    const { items } = await mesh.admin().call("listAttempts", { path });
    expect(items).toMatchObject([{ kind: "start", n: 1, error: "UNAVAILABLE: no stock" }]);
  });

  test("must be a failure to be one", async () => {
    await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here);
    const reply = await mesh.answer(mesh.here, "fail", tokenOf(task), { json: { message: "x" } });
    expect(reply.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ rule: "failure" }] });
  });

  test("given back, a task is there again at once", async () => {
    await mesh.client().start("echo", "Hi");
    const [task] = await mesh.poll(mesh.here);
    const json = { tokens: [tokenOf(task)] };
    expect((await mesh.answer(mesh.there, "release", "", { json })).body).toEqual({
      tasks: [{ state: "released" }],
    });
    const [again] = await mesh.poll(mesh.here);
    expect(again?.headers["nexus-mesh-task-attempt"]).toBe("1");
  });
});

describe("time", () => {
  test("schedule-to-start runs while no worker takes it", async () => {
    const left = await mesh.client().start("echo", "Hi", { scheduleToStartMs: 300 });
    await expect(left.result()).rejects.toMatchObject(causedBy("schedule-to-start"));
    expect(await mesh.poll(mesh.there)).toEqual([]);
    const taken = await mesh.client().start("echo", "Hi", { scheduleToStartMs: 300 });
    const [task] = await mesh.poll(mesh.here);
    const later = taken.result({ timeoutMs: 2_000 });
    await expect(later).rejects.toThrow("still running");
    expect((await mesh.answer(mesh.there, "complete", tokenOf(task), { raw: "1" })).status).toBe(
      204,
    );
  });

  test("schedule-to-start runs on for a task that was given back", async () => {
    const started = await mesh.client().start("echo", "Hi", { scheduleToStartMs: 800 });
    const [task] = await mesh.poll(mesh.here);
    const json = { tokens: [tokenOf(task)] };
    expect((await mesh.answer(mesh.there, "release", "", { json })).body).toEqual({
      tasks: [{ state: "released" }],
    });
    await expect(started.result()).rejects.toMatchObject(causedBy("schedule-to-start"));
  });

  test("start-to-close is over by the database's clock, also where the gateways' are behind", async () => {
    const started = await mesh.client().start("long", "work", { startToCloseMs: 60_000 });
    await mesh.poll(mesh.here, "", { lease: "600s" });
    const setClocks = (offset: number): void => {
      for (const { context } of [mesh.here, mesh.there]) context.clock.setOffset(offset);
    };
    setClocks(-5_000);
    await pool.query(
      "update head set close_by = now(), due_at = now() where id = $1 and state = 3",
      [started.operationId],
    );
    await expect(started.result()).rejects.toMatchObject(causedBy("start-to-close"));
    setClocks(0);
  });

  test("start-to-close counts from the claim, and the late answer is refused", async () => {
    const started = await mesh.client().start("echo", "Hi", { startToCloseMs: 500 });
    const [task] = await mesh.poll(mesh.here);
    expect(task?.headers["operation-timeout"]).toBe("500ms");
    await expect(started.result()).rejects.toMatchObject(causedBy("start-to-close"));
    const late = await mesh.answer(mesh.here, "complete", tokenOf(task), { raw: "1" });
    expect(late.body).toMatchObject({ code: "LEASE_LOST" });
  });
});

describe("a cancel", () => {
  test("of what waits ends it, and no worker gets it", async () => {
    const started = await mesh.client().start("echo", "Hi");
    await started.cancel();
    await expect(started.result()).rejects.toMatchObject(causedBy("while no worker had it"));
    expect(await mesh.poll(mesh.here)).toEqual([]);
  });

  test("of what runs comes with the next heartbeat", async () => {
    const started = await mesh.client(mesh.here).start("echo", "Hi");
    const [task] = await mesh.poll(mesh.there);
    await started.cancel();
    const beat = { json: { worker: "w", tasks: [{ token: tokenOf(task) }] } };
    expect((await mesh.answer(mesh.there, "heartbeat", "", beat)).body).toEqual({
      tasks: [{ state: "held", cancelRequested: true }],
    });
  });

  test("of what runs on by itself is a task with the worker's own token", async () => {
    const started = await mesh.client().start("later", "Hi");
    const [task] = await mesh.poll(mesh.here);
    await mesh.answer(mesh.here, "start", tokenOf(task), { json: { operationToken: "run-1" } });
    await started.cancel();
    const [cancel] = await mesh.poll(mesh.there, "?wait=10s");
    expect(cancel?.headers).toMatchObject({
      "nexus-mesh-task-path": "/jobs/later/cancel",
      "nexus-operation-token": "run-1",
    });
    expect((await mesh.answer(mesh.here, "complete", tokenOf(cancel))).status).toBe(204);
    const { operationId } = started;
    const { items } = await mesh.admin().call("listAttempts", { path: { operationId } });
    expect(items).toMatchObject([{ kind: "cancel", n: 1, error: null }]);
  });
});

test("a queue shows what waits, since when and of whom, and who works", async () => {
  const worker = { token: mesh.workerToken };
  await mesh.client().start("echo", "1");
  await mesh.client().start("echo", "2");
  const get = (path: string) =>
    callApi(mesh.there.url, { path: `/v1/namespaces/insights/queues${path}`, ...worker });
  await waitFor("the worker to be written down", async () =>
    (await get("/renders")).text.includes("by-hand"),
  );
  const { body } = await get("/renders");
  expect(body).toMatchObject({
    name: "renders",
    namespace: "insights",
    depth: 2,
    countedAll: true,
    oldestAge: expect.stringMatching(/^\d+(ms|s)$/) as string,
    callers: [{ namespace: "storefront", depth: 2 }],
    workers: expect.arrayContaining([
      { worker: "by-hand", seenAt: expect.stringMatching(/Z$/) as string },
    ]) as unknown,
  });
  expect((await get("")).body["items"]).toMatchObject([{ name: "renders", depth: 2 }]);
  const metrics = await callApi(mesh.there.opsUrl, { path: "/metrics" });
  const labels = 'namespace="insights",queue="renders"';
  expect(metrics.text).toContain(`nexus_mesh_queue_depth{${labels},caller="storefront"} 2`);
  expect(metrics.text).toContain(`nexus_mesh_queue_workers{${labels}} `);
  expect(metrics.text).toMatch(/nexus_mesh_queue_oldest_seconds\{.+\} \d/);
});

test("an unknown priority is refused; a known one goes first", async () => {
  const bad = mesh.client().start("echo", "x", { headers: { "nexus-mesh-priority": "9" } });
  await expect(bad).rejects.toThrow("nexus-mesh-priority");
  await mesh.client().start("echo", "usual");
  await mesh.client().start("echo", "urgent", { headers: { "nexus-mesh-priority": "1" } });
  const [first] = await mesh.poll(mesh.here);
  expect(first?.body.toString()).toBe('"urgent"');
});
