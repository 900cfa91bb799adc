import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { seedNamespace, seedToken, seedTwoTeams } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { callApi, type ApiCall } from "./call-api.ts";

let gateway: TestGateway;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;
let callerToken: string;
let ownerToken: string;
let adminToken: string;
let stranger: string;
const call = (given: ApiCall) => callApi(gateway.url, { token: callerToken, ...given });
const completionToken = "nexus-callback-nexus-mesh-completion-token";

beforeAll(async () => {
  receiver = await startCallbackReceiver();
  // The operation's name says what the handler does.
  handler = await startScriptedHandler(({ url, body }, response) => {
    const asked = url.split("?")[0] ?? "";
    if (asked.endsWith("/sync")) {
      const headers = { "content-type": "text/html", "content-language": "de" };
      response.writeHead(200, headers).end(body);
    } else if (asked.endsWith("/nil")) response.writeHead(200).end();
    else if (asked.endsWith("/fail")) {
      const headers = { "content-type": "application/json", "nexus-operation-state": "failed" };
      response.writeHead(424, headers).end('{"message":"no such order"}');
    } else if (asked.endsWith("/refuse")) {
      response.writeHead(400, { "content-type": "application/json" }).end('{"message":"bad"}');
    } else if (asked.endsWith("/down")) response.writeHead(503).end();
    else
      response
        .writeHead(201, { "content-type": "application/json" })
        .end('{"token":"t","state":"running"}');
  });
  gateway = await startGateway();
  ({ callerToken, ownerToken, adminToken } = await seedTwoTeams(gateway, handler.url, {
    maxAttempts: 1,
  }));
  await seedNamespace(gateway, "stranger");
  stranger = await seedToken(gateway, "stranger");
});
afterAll(async () => {
  await gateway.close();
  await handler.close();
  await receiver.close();
});

const pathOf = (operation: string) =>
  `/v1/endpoints/analytics/services/profiles/operations/${operation}`;

async function start(operation: string, more: Partial<ApiCall> = {}): Promise<string> {
  const reply = await call({ method: "POST", path: pathOf(operation), raw: "input", ...more });
  expect(reply.status, reply.text).toBe(201);
  expect(reply.headers["location"]).toBe(`/v1/operations/${String(reply.body["id"])}`);
  return String(reply.body["id"]);
}

async function inState(id: string, state: string): Promise<Record<string, unknown>> {
  return waitFor(`operation ${id} to be ${state}`, async () => {
    const { body } = await call({ path: `/v1/operations/${id}` });
    return body["state"] === state && { ...body };
  });
}

describe("starting", () => {
  test("a repeat is the same operation, and finds the result", async () => {
    const headers = { "nexus-request-id": "repeat-1", "content-type": "text/plain" };
    const id = await start("sync", { headers });
    await inState(id, "succeeded");
    const again = await call({ method: "POST", path: pathOf("sync"), headers, raw: "input" });
    expect(again.status).toBe(200);
    expect(again.body).toEqual({ id, created: false, ended: true });
    const found = await call({ path: `${pathOf("sync")}/requests/repeat-1` });
    expect(found.body).toMatchObject({ id, requestId: "repeat-1", state: "succeeded" });
    const foreign = await call({ path: `${pathOf("sync")}/requests/repeat-1`, token: stranger });
    expect(foreign.body).toMatchObject({ code: "OPERATION_NOT_FOUND" });
  });

  test("takes any bytes of any type, none too, and names with escapes", async () => {
    const bytes = Buffer.from([0, 255, 34, 10]);
    await start("sync", { raw: bytes, headers: { "content-type": "application/json" } });
    await start("sync", { raw: bytes });
    await call({ method: "POST", path: pathOf("sync") });
    const reply = await call({ method: "POST", path: pathOf("a%2Fb%20c"), raw: "x" });
    const id = String(reply.body["id"]);
    expect(await inState(id, "started")).toMatchObject({ operation: "a/b c" });
  });
});

describe("the result", () => {
  test("of a success is the handler's bytes and content headers, inert in a browser", async () => {
    const id = await start("sync", { raw: "<b>1</b>" });
    const reply = await call({ path: `/v1/operations/${id}/result?wait=20s` });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe("<b>1</b>");
    expect(reply.headers).toMatchObject({
      "content-type": "text/html",
      "content-language": "de",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox",
      "nexus-operation-state": "succeeded",
    });
  });

  test("of nothing is nothing, without a type", async () => {
    const id = await start("nil");
    const reply = await call({ path: `/v1/operations/${id}/result?wait=20s` });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe("");
    expect(reply.headers["content-type"]).toBeUndefined();
  });

  test("of a failure is a Failure, and how it ended", async () => {
    const id = await start("fail");
    const reply = await call({ path: `/v1/operations/${id}/result?wait=20s` });
    expect(reply.status).toBe(424);
    expect(reply.headers["nexus-operation-state"]).toBe("failed");
    expect(reply.text).toContain("no such order");
    await inState(id, "failed");
  });

  test("is not there yet, until the handler completes it", async () => {
    const id = await start("async", { headers: { "nexus-request-id": "async-1" } });
    await inState(id, "started");
    const early = await call({ path: `/v1/operations/${id}/result` });
    expect(early.status).toBe(202);
    expect(early.body).toMatchObject({ id, state: "started", attempts: 1 });
    const waiting = call({ path: `/v1/operations/${id}/result?wait=30s` });
    await complete("async");
    const reply = await waiting;
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('"done"');
  });

  test.each(["soon", "61s", ""])("is not waited for %j", async (wait) => {
    const id = await start("async");
    const reply = await call({ path: `/v1/operations/${id}?wait=${wait}` });
    expect(reply.body).toMatchObject({
      code: "INVALID_TIMEOUT",
      errors: [{ pointer: "query:wait" }],
    });
  });
});

describe("an operation", () => {
  test("is seen by its caller, its endpoint's owner and an admin; for others there is none", async () => {
    const callback = encodeURIComponent(`${receiver.url}/?secret=1`);
    const id = await start(`async?callback=${callback}`);
    const path = `/v1/operations/${id}`;
    expect((await call({ path })).body).toMatchObject({
      caller: "storefront",
      owner: "insights",
      endpoint: "analytics",
      callbackUrl: `${receiver.url}/`,
    });
    const served = await call({ path, token: ownerToken });
    expect(served.body).toMatchObject({ id, callbackUrl: null });
    expect((await call({ path, token: adminToken })).body).toMatchObject({ id });
    for (const given of [
      { path },
      { path: `${path}/result` },
      { path: `${path}/attempts` },
      { path: `${path}/cancel`, method: "POST" },
      { path: `${path}/redrive`, method: "POST" },
    ] as const) {
      const reply = await call({ ...given, token: stranger });
      expect(reply.body).toMatchObject({ code: "OPERATION_NOT_FOUND" });
    }
  });

  test("is canceled at every asking, and terminated once, by its owner", async () => {
    const id = await start("async");
    await inState(id, "started");
    const path = `/v1/operations/${id}`;
    for (const token of [callerToken, callerToken, ownerToken]) {
      expect((await call({ method: "POST", path: `${path}/cancel`, token })).status).toBe(202);
    }
    expect((await call({ path })).body["cancelRequestedAt"]).toMatch(/Z$/);
    const json = { reason: "enough" };
    const terminate = (token: string) =>
      call({ method: "POST", path: `${path}/terminate`, token, json });
    expect((await terminate(callerToken)).body).toMatchObject({ code: "PERMISSION_DENIED" });
    expect((await terminate(ownerToken)).body).toMatchObject({ state: "terminated" });
    expect((await terminate(ownerToken)).body).toMatchObject({ code: "OPERATION_CLOSED" });
    const result = await call({ path: `${path}/result` });
    expect(result.status).toBe(424);
    expect(result.headers["nexus-operation-state"]).toBe("terminated");
    expect((await call({ method: "POST", path: `${path}/cancel` })).status).toBe(202);
  });

  test("that is parked goes on when it is redriven; one that ended is repeated", async () => {
    const parked = await start("down");
    await inState(parked, "parked");
    const attempts = await call({ path: `/v1/operations/${parked}/attempts` });
    expect(attempts.body["items"]).toMatchObject([{ kind: "start", n: 1, status: 503 }]);
    const on = await call({ method: "POST", path: `/v1/operations/${parked}/redrive` });
    expect(on.status).toBe(200);
    expect(on.body).toEqual({ id: parked, created: false });
    const ended = await start("fail");
    await inState(ended, "failed");
    const anew = await call({ method: "POST", path: `/v1/operations/${ended}/redrive` });
    expect(anew.status).toBe(201);
    expect(anew.body).toMatchObject({ created: true });
    const repeat = String(anew.body["id"]);
    expect(await inState(repeat, "failed")).toMatchObject({ redriveOf: ended });
  });
});

describe("the list of operations", () => {
  test("is filtered, and walked newest first", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await start("listed"));
    const items = async (query: string, token = callerToken) => {
      const { body } = await call({ path: `/v1/operations?operation=listed&${query}`, token });
      return { ids: (body["items"] as { id: string }[]).map(({ id }) => id), body };
    };
    expect((await items("")).ids).toEqual([...ids].reverse());
    const first = await items("limit=2");
    const cursor = encodeURIComponent(String(first.body["nextCursor"]));
    const second = await items(`limit=2&cursor=${cursor}`);
    expect([...first.ids, ...second.ids]).toEqual([...ids].reverse());
    expect(second.body["nextCursor"]).toBeNull();
    expect((await items("view=served", ownerToken)).ids).toHaveLength(3);
    expect((await items("view=made", ownerToken)).ids).toEqual([]);
    expect((await items("", stranger)).ids).toEqual([]);
    expect((await items("endpoint=analytics&service=profiles&caller=storefront")).ids).toHaveLength(
      3,
    );
    await Promise.all(ids.map((id) => inState(id, "started")));
    expect((await items("state=started,parked")).ids).toHaveLength(3);
    expect((await items("state=succeeded")).ids).toEqual([]);
    expect((await items("after=2100-01-01T00:00:00Z")).ids).toEqual([]);
    expect((await items("before=2100-01-01T00:00:00Z")).ids).toHaveLength(3);
    const bad = await call({ path: "/v1/operations?state=running" });
    expect(bad.body).toMatchObject({
      code: "INVALID_REQUEST",
      errors: [{ pointer: "query:state" }],
    });
  });
});

describe("a callback that was not taken", () => {
  test("is listed to the caller alone, and delivered again", async () => {
    receiver.answer(503);
    const callback = encodeURIComponent(`${receiver.url}/down?secret=2`);
    const id = await start(`sync?callback=${callback}`);
    const listed = await waitFor("the callback to be listed", async () => {
      const { body } = await call({ path: "/v1/callbacks?state=due" });
      const items = body["items"] as { operationId: string; id: string; url: string }[];
      return items.find(({ operationId }) => operationId === id);
    });
    expect(listed.url).toBe(`${receiver.url}/down`);
    const path = `/v1/callbacks/${listed.id}`;
    expect((await call({ path })).body).toMatchObject({ operationId: id, lastStatus: 503 });
    expect((await call({ path, token: ownerToken })).body).toMatchObject({
      code: "CALLBACK_NOT_FOUND",
    });
    receiver.answer(200);
    const again = await call({ method: "POST", path: `${path}/redeliver` });
    expect(again.status).toBe(202);
    await waitFor("the callback to be delivered", async () => {
      const { body } = await call({ path });
      return body["state"] === "delivered" || body["code"] === "CALLBACK_NOT_FOUND";
    });
  });
});

/** As the handler of the newest call of this operation. */
async function complete(operation: string): Promise<void> {
  const started = handler.calls.findLast(({ url }) => url.includes(`/${operation}`));
  const token = started?.headers[completionToken];
  if (typeof token !== "string") throw new Error(`no call of ${operation} brought a token`);
  const reply = await callApi(gateway.url, {
    method: "POST",
    path: "/nexus/callback",
    headers: {
      "nexus-mesh-completion-token": token,
      "nexus-operation-state": "succeeded",
      "content-type": "application/json",
    },
    raw: '"done"',
  });
  expect(reply.status, reply.text).toBe(200);
}
