import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { callApi, type ApiReply } from "../api/call-api.ts";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import {
  startScriptedHandler,
  type HandlerCall,
  type HandlerScript,
  type ScriptedHandler,
} from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { complete, startMesh, type Mesh } from "./mesh.ts";

let mesh: Mesh;
let before: ScriptedHandler;
let after: ScriptedHandler;
let receiver: CallbackReceiver;

beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh.close());
beforeEach(async () => {
  before = await startScriptedHandler(startsAndCancels);
  after = await startScriptedHandler();
  receiver = await startCallbackReceiver();
  mesh.track(before, after, receiver);
});

const json = { "content-type": "application/json" };
const accepted = { prefer: "respond-async" };

const startsAndCancels: HandlerScript = (call, response) => {
  if (isCancel(call)) response.writeHead(202).end();
  else response.writeHead(201, json).end('{"token":"h","state":"running"}');
};

describe("the target of an endpoint is changed while operations run", () => {
  test("a started one is completed and canceled where it was started; new ones go to the new target", async () => {
    const endpoint = await mesh.endpoint(before.url);
    const ending = await started(endpoint, { callback: receiver.url, requestId: "ending" });
    const canceled = await started(endpoint, { requestId: "canceled" });
    await changeTarget(endpoint, after.url);

    const next = await mesh.start(endpoint, { callback: receiver.url, requestId: "next" });
    expect([next.status, next.text]).toEqual([200, '"ok"']);
    const repeat = await mesh.start(endpoint, { callback: receiver.url, requestId: "ending" });
    expect(repeat.json().token).toBe(ending);

    expect((await mesh.cancel(endpoint, canceled)).status).toBe(202);
    await before.nextCall("the cancel", isCancel);
    const call = before.calls.find(
      ({ headers }) => headers["nexus-mesh-caller-request-id"] === "ending",
    );
    expect((await complete(call, { state: "succeeded", body: '"done"' })).status).toBe(200);
    const completion = await receiver.next("the completion", isOf(ending));
    expect(completion.body.toString()).toBe('"done"');

    expect(after.calls.map(({ headers }) => headers["nexus-mesh-caller-request-id"])).toEqual([
      "next",
    ]);
  });

  test.each([
    ["nobody listened at it", async () => `http://127.0.0.1:${await freePort()}/nexus`],
    ["it answered UNAVAILABLE", () => answering(503)],
    ["it answered RESOURCE_EXHAUSTED", () => answering(429)],
  ])("one that its target did not take, for %s, goes to the new target", async (_why, old) => {
    const endpoint = await mesh.endpoint(await old());
    const id = await backingOff(endpoint);
    await changeTarget(endpoint, after.url);
    const completion = await receiver.next("the completion", isOf(id));
    expect(completion.body.toString()).toBe('"ok"');
    expect(after.calls).toHaveLength(1);
  });

  test.each([
    ["each time", []],
    ["the first time, and refused it then", [503, 503]],
  ])("one that its target may have taken, %s, is tried only there", async (_when, refusals) => {
    const answers = [...refusals];
    before.script((_call, response) => {
      const status = before.calls.length > 1 ? answers.shift() : undefined;
      if (status === undefined) response.destroy();
      else response.writeHead(status).end();
    });
    const endpoint = await mesh.endpoint(before.url);
    const id = await backingOff(endpoint);
    await changeTarget(endpoint, after.url);
    const tries = before.calls.length;
    await waitFor("three more tries", () => before.calls.length >= tries + 3);
    before.script({ status: 200, headers: json, body: '"at last"' });
    const completion = await receiver.next("the completion", isOf(id));
    expect(completion.body.toString()).toBe('"at last"');
    expect(after.calls).toHaveLength(0);
  });
});

describe("the policy of an endpoint is changed while operations run", () => {
  test("a shorter deadline holds for new ones only", async () => {
    const endpoint = await mesh.endpoint(before.url);
    const running = await started(endpoint);
    const deadline = (await mesh.head(running))?.closeBy;
    before.script({ status: 503 });
    const waiting = await backingOff(endpoint);
    const waitingDeadline = (await mesh.head(waiting))?.closeBy;
    expect((await put(endpoint, before.url, { scheduleToClose: "1s" })).status).toBe(200);

    await waitFor("an operation that ends by the new deadline", async () => {
      const { token } = (await mesh.start(endpoint, accepted)).json();
      await waitFor("its deadline or another", async () => {
        const head = await mesh.head(token);
        return head?.state === "timed_out" || (head?.closeBy ?? 0) > Date.now() + 60_000;
      });
      return (await mesh.head(token))?.state === "timed_out";
    });
    expect(await mesh.head(running)).toMatchObject({ state: "started", closeBy: deadline });
    before.script({ status: 200, headers: json, body: '"in time"' });
    await receiver.next("the other one's completion", isOf(waiting));
    expect(await mesh.head(waiting)).toMatchObject({
      state: "succeeded",
      closeBy: waitingDeadline,
    });
  });

  test("a longer one does not save what runs", async () => {
    const endpoint = await mesh.endpoint(before.url, { scheduleToCloseMs: 2_000 });
    const id = await started(endpoint, { callback: receiver.url });
    expect((await put(endpoint, before.url, { scheduleToClose: "1440m" })).status).toBe(200);
    const completion = await receiver.next("the timeout", isOf(id));
    expect(completion.body.toString()).toContain("SCHEDULE_TO_CLOSE");
  });
});

test("an endpoint is deleted only when its operations have ended, and what they came to is kept", async () => {
  const endpoint = await mesh.endpoint(before.url);
  const path = `/v1/endpoints/${endpoint}`;
  const running = await started(endpoint, { requestId: "running" });
  expect(await deleted(path)).toMatchObject({ status: 409, body: { code: "IN_USE" } });

  before.script({ status: 503 });
  const waiting = await waitFor("the refused deletion to leave it open for starts", async () => {
    const reply = await mesh.start(endpoint, { ...accepted, callback: receiver.url });
    return reply.status === 201 && reply.json().token;
  });
  await failedTry(waiting);
  const call = before.calls.find(
    ({ headers }) => headers["nexus-mesh-caller-request-id"] === "running",
  );
  expect((await complete(call, { state: "succeeded", body: '"kept"' })).status).toBe(200);
  expect(await deleted(path)).toMatchObject({ status: 409, body: { code: "IN_USE" } });

  before.script({ status: 200, headers: json, body: "1" });
  await receiver.next("the other one's completion", isOf(waiting));
  await waitFor("its delivery to be noted", async () => (await mesh.head(waiting))?.owes === 0);
  expect(await deleted(path)).toMatchObject({ status: 204 });

  const late = await mesh.start(endpoint, accepted);
  expect(late.status).toBe(404);
  const result = await callApi(mesh.url, {
    path: `/v1/operations/${running}/result`,
    token: mesh.token("caller"),
  });
  expect([result.status, result.text]).toEqual([200, '"kept"']);
});

function isCancel(call: HandlerCall): boolean {
  return call.url.includes("/cancel");
}

function isOf(id: string) {
  return ({ headers }: { headers: HandlerCall["headers"] }): boolean =>
    headers["nexus-operation-token"] === id;
}

async function answering(status: number): Promise<string> {
  const handler = await startScriptedHandler({ status });
  mesh.track(handler);
  return handler.url;
}

/** The id of an operation that its handler has begun. */
async function started(
  endpoint: string,
  options: { callback?: string; requestId?: string } = {},
): Promise<string> {
  const { token } = (await mesh.start(endpoint, { ...accepted, ...options })).json();
  await waitFor("it to start", async () => (await mesh.head(token))?.state === "started");
  return token;
}

/** The id of an operation whose handler has refused it once or more. */
async function backingOff(endpoint: string): Promise<string> {
  const { token } = (await mesh.start(endpoint, { ...accepted, callback: receiver.url })).json();
  await failedTry(token);
  return token;
}

async function failedTry(id: string): Promise<void> {
  await waitFor("a failed try", async () => ((await mesh.head(id))?.attempt ?? 0) > 0);
}

function put(
  endpoint: string,
  url: string,
  policy: Readonly<Record<string, string>>,
): Promise<ApiReply> {
  return callApi(mesh.url, {
    method: "PUT",
    path: `/v1/endpoints/${endpoint}`,
    token: mesh.token("owner"),
    json: { target: { kind: "http", url }, policy },
  });
}

function deleted(path: string): Promise<ApiReply> {
  return callApi(mesh.url, { method: "DELETE", path, token: mesh.token("owner") });
}

async function changeTarget(endpoint: string, url: string): Promise<void> {
  expect((await put(endpoint, url, {})).status).toBe(200);
  // The same once more by the first gateway: returns when every gateway reads it.
  await mesh.retarget(endpoint, url);
}
