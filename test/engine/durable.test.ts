import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { callbackHeadersOf, complete, startMesh, type Mesh } from "./mesh.ts";

let mesh: Mesh;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;

beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh.close());
beforeEach(async () => {
  handler = await startScriptedHandler();
  receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
});

const running = {
  status: 201,
  headers: { "content-type": "application/json" },
  body: '{"token":"h-1","state":"running"}',
};

describe("a durable start", () => {
  test("is committed, dispatched by key, completed, and its callback is delivered", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    const started = await mesh.start(endpoint, {
      callback: receiver.url,
      requestId: "order-1",
      body: '{"n":1}',
    });
    expect(started.status).toBe(201);
    const { token } = started.json();
    const [call] = handler.calls;
    expect(call?.body.toString()).toBe('{"n":1}');
    expect(call?.headers["nexus-mesh-caller-request-id"]).toBe("order-1");
    expect(call?.headers["nexus-request-id"]).not.toBe("order-1");
    const completed = await complete(call, {
      state: "succeeded",
      body: '{"total": 9007199254740993}',
    });
    expect(completed.status).toBe(200);
    const completion = await receiver.next("the completion");
    expect(completion.headers["nexus-operation-token"]).toBe(token);
    expect(completion.headers["nexus-operation-state"]).toBe("succeeded");
    expect(completion.body.toString()).toBe('{"total": 9007199254740993}');
    await waitFor("the delivery to be recorded", async () => (await mesh.head(token))?.owes === 0);
    expect(receiver.received).toHaveLength(1);
  });

  test("whose first attempt ends at once answers with the outcome and owes no callback", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, { callback: receiver.url });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('"ok"');
    const [operation] = await mesh.operations(endpoint);
    expect(operation).toMatchObject({ state: 4, owes: 0, attempt: 1 });
    expect(receiver.received).toHaveLength(0);
  });

  test("answers 201 on a retryable error and goes on trying", async () => {
    handler.script({ status: 503 });
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, { callback: receiver.url });
    expect(reply.status).toBe(201);
    await waitFor("a second attempt", () => handler.calls.length > 1);
    handler.script({
      status: 200,
      headers: { "content-type": "application/json" },
      body: '"late"',
    });
    const completion = await receiver.next("the completion");
    expect(completion.body.toString()).toBe('"late"');
    expect(new Set(handler.calls.map((call) => call.headers["nexus-request-id"])).size).toBe(1);
    expect(new Set(handler.calls.map((call) => JSON.stringify(callbackHeadersOf(call)))).size).toBe(
      1,
    );
  });

  test("passes a non-retryable handler error and an operation error on", async () => {
    handler.script({
      status: 400,
      headers: { "content-type": "application/json" },
      body: '{"message":"no such table"}',
    });
    const endpoint = await mesh.endpoint(handler.url);
    const refused = await mesh.start(endpoint, { callback: receiver.url });
    expect(refused.status).toBe(400);
    expect(refused.json()).toEqual({ message: "no such table" });
    handler.script({
      status: 424,
      headers: { "content-type": "application/json", "nexus-operation-state": "canceled" },
      body: '{"message":"not today"}',
    });
    const canceled = await mesh.start(endpoint, { callback: receiver.url });
    expect(canceled.status).toBe(424);
    expect(canceled.headers["nexus-operation-state"]).toBe("canceled");
    expect(canceled.json()).toEqual({ message: "not today" });
  });

  test("with Prefer: respond-async answers at the commit, whatever the handler does", async () => {
    handler.script(() => undefined);
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, { prefer: "respond-async" });
    expect(reply.status).toBe(201);
  });
});

describe("the key", () => {
  test("attaches a repeat: one execution, one token, every callback", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    const second = await startCallbackReceiver();
    mesh.track(second);
    const first = await mesh.start(endpoint, { callback: receiver.url, requestId: "r" });
    const repeat = await mesh.start(endpoint, { callback: second.url, requestId: "r" });
    expect(repeat.status).toBe(201);
    expect(repeat.json().token).toBe(first.json().token);
    expect(handler.calls).toHaveLength(1);
    await complete(handler.calls[0], { state: "succeeded", body: "1" });
    await receiver.next("the first caller's completion");
    await second.next("the attached caller's completion");
    const after = await mesh.start(endpoint, { callback: second.url, requestId: "r" });
    expect(after.status).toBe(200);
    expect(after.text).toBe("1");
  });

  test("refuses other input, naming the first operation", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    const first = await mesh.start(endpoint, { callback: receiver.url, requestId: "r", body: "1" });
    const other = await mesh.start(endpoint, { callback: receiver.url, requestId: "r", body: "2" });
    expect(other.status).toBe(409);
    expect(other.text).toContain(first.json().token);
  });

  test("an empty request id is none", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.start(endpoint, { callback: receiver.url, requestId: "", body: "1" });
    await mesh.start(endpoint, { callback: receiver.url, requestId: "", body: "2" });
    expect(new Set(handler.calls.map((call) => call.headers["nexus-request-id"])).size).toBe(2);
  });

  test("keeps two tenants apart that send the same request id", async () => {
    handler.script((call, response) => {
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(call.body.toString()));
    });
    const endpoint = await mesh.endpoint(handler.url);
    const mine = await mesh.start(endpoint, {
      callback: receiver.url,
      requestId: "order-1",
      body: "mine",
    });
    const theirs = await mesh.start(endpoint, {
      callback: receiver.url,
      requestId: "order-1",
      body: "theirs",
      as: "other",
    });
    expect([mine.text, theirs.text]).toEqual(['"mine"', '"theirs"']);
    expect(new Set(handler.calls.map((call) => call.headers["nexus-request-id"])).size).toBe(2);
  });
});

describe("a completion", () => {
  test("may come before the start's reply; its repeat is welcome, another one is too late", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    const early: number[] = [];
    handler.script(async (call, response) => {
      early.push((await complete(call, { state: "succeeded", body: '"first"' })).status);
      response
        .writeHead(201, { "content-type": "application/json" })
        .end('{"token":"h","state":"running"}');
    });
    const started = await mesh.start(endpoint, { callback: receiver.url });
    expect(early).toEqual([200]);
    expect(started.status).toBe(201);
    await receiver.next("the completion");
    const [call] = handler.calls;
    expect((await complete(call, { state: "succeeded", body: '"first"' })).status).toBe(200);
    expect((await complete(call, { state: "succeeded", body: '"other"' })).status).toBe(404);
    expect((await complete(call, { state: "failed", body: '{"message":"x"}' })).status).toBe(404);
    expect((await mesh.head(started.json().token))?.state).toBe("succeeded");
  });

  test("without a valid token is refused", async () => {
    const forged = await mesh.post(
      "/nexus/callback",
      { "nexus-mesh-completion-token": "AAAA", "nexus-operation-state": "succeeded" },
      "1",
    );
    expect(forged.status).toBe(400);
    expect(forged.json().metadata.code).toBe("INVALID_CALLBACK_TOKEN");
  });
});

describe("time", () => {
  test("schedule-to-close ends a started operation, tells the caller and cancels at the handler", async () => {
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else response.writeHead(201, { "content-type": "application/json" }).end(running.body);
    });
    const endpoint = await mesh.endpoint(handler.url);
    const started = await mesh.start(endpoint, {
      callback: receiver.url,
      headers: { "operation-timeout": "400ms" },
    });
    const completion = await receiver.next("the timeout");
    expect(completion.headers["nexus-operation-state"]).toBe("failed");
    expect(completion.body.toString()).toContain("SCHEDULE_TO_CLOSE");
    const cancel = await handler.nextCall("the cancel", (call) => call.url.includes("/cancel"));
    expect(cancel.headers["nexus-operation-token"]).toBe("h-1");
    expect((await mesh.head(started.json().token))?.state).toBe("timed_out");
  });

  test("schedule-to-start ends what never started", async () => {
    handler.script({ status: 503 });
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.start(endpoint, {
      callback: receiver.url,
      headers: { "nexus-mesh-schedule-to-start": "300ms" },
    });
    const completion = await receiver.next("the timeout");
    expect(completion.body.toString()).toContain("SCHEDULE_TO_START");
  });

  test("start-to-close counts from the start", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.start(endpoint, {
      callback: receiver.url,
      headers: { "nexus-mesh-start-to-close": "300ms" },
    });
    const completion = await receiver.next("the timeout");
    expect(completion.body.toString()).toContain("START_TO_CLOSE");
  });

  test("a malformed timeout is named", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, {
      callback: receiver.url,
      headers: { "operation-timeout": "1h" },
    });
    expect(reply.status).toBe(400);
    expect(reply.json().metadata.code).toBe("INVALID_TIMEOUT");
    expect(handler.calls).toHaveLength(0);
  });
});

describe("a cancel", () => {
  test("goes to the handler by its own token, and a repeat is 202 too", async () => {
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else response.writeHead(201, { "content-type": "application/json" }).end(running.body);
    });
    const endpoint = await mesh.endpoint(handler.url);
    const { token } = (await mesh.start(endpoint, { callback: receiver.url })).json();
    await waitFor("started", async () => (await mesh.head(token))?.state === "started");
    expect((await mesh.cancel(endpoint, token)).status).toBe(202);
    const cancel = await handler.nextCall("the cancel", (call) => call.url.endsWith("/cancel"));
    expect(cancel.headers["nexus-operation-token"]).toBe("h-1");
    expect((await mesh.cancel(endpoint, token)).status).toBe(202);
    await complete(handler.calls[0], { state: "canceled", body: '{"message":"stopped"}' });
    const completion = await receiver.next("the completion");
    expect(completion.headers["nexus-operation-state"]).toBe("canceled");
  });

  test("ends at once what never left the mesh", async () => {
    const endpoint = await mesh.endpoint("http://127.0.0.1:9/nexus");
    const { token } = (await mesh.start(endpoint, { callback: receiver.url })).json();
    await mesh.cancel(endpoint, token);
    const completion = await receiver.next("the completion");
    expect(completion.headers["nexus-operation-state"]).toBe("canceled");
  });

  test("asked for while an attempt fails is not forgotten until the next one", async () => {
    const answers: (() => void)[] = [];
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else if (answers.length === 0) answers.push(() => response.writeHead(503).end());
      else response.writeHead(201, { "content-type": "application/json" }).end(running.body);
    });
    const endpoint = await mesh.endpoint(handler.url, { maxAttempts: 1 });
    const start = { callback: receiver.url, prefer: "respond-async" };
    const { token } = (await mesh.start(endpoint, start)).json();
    await waitFor("the attempt", () => answers.length > 0);
    await mesh.cancel(endpoint, token);
    answers[0]?.();
    await handler.nextCall("the cancel", (call) => call.url.includes("/cancel"));
  });

  test("goes to the target the operation was started at, though the endpoint has another by now", async () => {
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else response.writeHead(201, { "content-type": "application/json" }).end(running.body);
    });
    const other = await startScriptedHandler({ status: 202 });
    mesh.track(other);
    const endpoint = await mesh.endpoint(handler.url);
    const { token } = (await mesh.start(endpoint, { callback: receiver.url })).json();
    await waitFor("started", async () => (await mesh.head(token))?.state === "started");
    await mesh.retarget(endpoint, other.url);
    await mesh.cancel(endpoint, token);
    await handler.nextCall("the cancel", (call) => call.url.includes("/cancel"));
    expect(other.calls).toHaveLength(0);
  });

  test("of another tenant's operation is NOT_FOUND", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    const { token } = (await mesh.start(endpoint, { callback: receiver.url })).json();
    expect((await mesh.cancel(endpoint, token, "other")).status).toBe(404);
  });
});

describe("by hand", () => {
  test("terminate ends it, tells the caller, and a redrive makes a new one", async () => {
    handler.script(running);
    const endpoint = await mesh.endpoint(handler.url);
    const { token } = (
      await mesh.start(endpoint, { callback: receiver.url, body: '"again"' })
    ).json();
    await mesh.engine.terminate(token, "stuck");
    const completion = await receiver.next("the completion");
    expect(completion.body.toString()).toContain("Terminated");
    const redriven = await mesh.engine.redrive(token, mesh.admin);
    expect(redriven.created).toBe(true);
    expect(redriven.id).not.toBe(token);
    const call = await handler.nextCall(
      "the new start",
      (call) => call.headers["nexus-mesh-caller-request-id"] === `redrive.${token}.1`,
    );
    expect(call.body.toString()).toBe('"again"');
  });

  test("terminate during an attempt cancels what the handler started meanwhile", async () => {
    const answers: (() => void)[] = [];
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else
        answers.push(() =>
          response.writeHead(201, { "content-type": "application/json" }).end(running.body),
        );
    });
    const endpoint = await mesh.endpoint(handler.url);
    const { token } = (await mesh.start(endpoint, { prefer: "respond-async" })).json();
    await waitFor("the attempt", () => answers.length > 0);
    await mesh.engine.terminate(token, "stuck");
    answers[0]?.();
    const cancel = await handler.nextCall("the cancel", (call) => call.url.includes("/cancel"));
    expect(cancel.headers["nexus-operation-token"]).toBe("h-1");
  });

  test("an operation out of attempts is parked, and goes on when it is redriven", async () => {
    handler.script({ status: 503 });
    const endpoint = await mesh.endpoint(handler.url, { maxAttempts: 2 });
    const { token } = (await mesh.start(endpoint, { callback: receiver.url })).json();
    await waitFor("parked", async () => (await mesh.head(token))?.state === "parked");
    expect(handler.calls).toHaveLength(2);
    handler.script({ status: 200, headers: { "content-type": "application/json" }, body: "2" });
    expect(await mesh.engine.redrive(token, mesh.admin)).toEqual({ id: token, created: false });
    expect((await receiver.next("the completion")).body.toString()).toBe("2");
  });
});

test("a receiver that is down gets its completion when it is back", async () => {
  handler.script(running);
  receiver.answer(503);
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.start(endpoint, { callback: receiver.url });
  await complete(handler.calls[0], { state: "succeeded", body: "1" });
  await waitFor("three tries", () => receiver.received.length >= 3);
  receiver.answer(200);
  const tries = receiver.received.length;
  await waitFor("the delivery", () => receiver.received.length > tries);
  expect(
    new Set(receiver.received.map((completion) => completion.headers["webhook-id"])).size,
  ).toBe(1);
});
