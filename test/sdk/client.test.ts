import { HandlerError, OperationError, operation, service } from "nexus-rpc";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createNexusClient, StillRunning, type ServiceClient } from "@nexus-mesh/sdk/client";
import { completeOperation, CompletionRefused } from "@nexus-mesh/sdk/complete-operation";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { callbackHeadersOf, startMesh, type Mesh } from "../engine/mesh.ts";

const reports = service("reports", { build: operation<{ table: string }, { rows: number }>() });
let mesh: Mesh;
let handler: ScriptedHandler;
let client: ServiceClient<(typeof reports)["operations"]>;

beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh.close());
beforeEach(async () => {
  handler = await startScriptedHandler({
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"rows":3}',
  });
  mesh.track(handler);
  const endpoint = await mesh.endpoint(handler.url);
  client = createNexusClient({
    url: mesh.url,
    token: mesh.token("caller"),
    retry: { firstDelayMs: 10 },
  }).service({ endpoint, service: reports });
});

const running = {
  status: 201,
  headers: { "content-type": "application/json" },
  body: '{"token":"h-1","state":"running"}',
};

function completion() {
  const [call] = handler.calls;
  if (call === undefined) throw new Error("the handler was not called");
  return {
    callbackUrl: new URL(call.url, "http://handler").searchParams.get("callback") ?? "",
    callbackHeaders: callbackHeadersOf(call),
  };
}

describe("the client", () => {
  test("execute returns a synchronous result, typed by the contract", async () => {
    const { rows } = await client.execute("build", { table: "orders" });
    expect(rows).toBe(3);
    expect(handler.calls[0]?.body.toString()).toBe('{"table":"orders"}');
  });

  test("start returns a handle; completeOperation from anywhere gives it its result", async () => {
    handler.script(running);
    const handle = await client.start("build", { table: "orders" });
    expect(handle.operationId).toMatch(/^[0-9a-f-]{36}$/);
    await handler.nextCall("the start");
    const result = handle.result();
    await completeOperation(completion(), { result: { rows: 7 } });
    expect(await result).toEqual({ rows: 7 });
    expect(await client.handle("build", handle.operationId).result()).toEqual({ rows: 7 });
    await completeOperation(completion(), { result: { rows: 7 } });
    await expect(completeOperation(completion(), { result: { rows: 8 } })).rejects.toThrow(
      CompletionRefused,
    );
  });

  test("a start repeated after the end names the same operation and has its result", async () => {
    handler.script(running);
    const options = { requestId: "once" };
    const first = await client.start("build", { table: "orders" }, options);
    await handler.nextCall("the start");
    await completeOperation(completion(), { result: { rows: 7 } });
    const again = await client.start("build", { table: "orders" }, options);
    expect([again.operationId, await again.result()]).toEqual([first.operationId, { rows: 7 }]);
  });

  test("execute waits for an asynchronous one and rejects with its error", async () => {
    handler.script(running);
    const result = client.execute("build", { table: "orders" });
    const outcome = expect(result).rejects.toMatchObject({
      state: "failed",
      message: expect.stringContaining("no such table") as unknown,
    });
    await handler.nextCall("the start");
    await completeOperation(completion(), { error: new OperationError("failed", "no such table") });
    await outcome;
    await expect(result).rejects.toBeInstanceOf(OperationError);
  });

  test("any handle can watch: what was, what comes, and the outcome", async () => {
    let n = 0;
    handler.script((_call, response) => {
      n += 1;
      if (n === 1) response.writeHead(503).end();
      else response.writeHead(201, running.headers).end(running.body);
    });
    const { operationId } = await client.start("build", { table: "orders" });
    const seen: string[] = [];
    for await (const event of client.handle("build", operationId).watch()) {
      if (event.type === "attempt") seen.push(`${event.kind} ${event.n}: ${String(event.status)}`);
      if (event.type === "outcome") seen.push(event.state);
      if (event.type !== "state" || event.state !== "started") continue;
      seen.push(event.state);
      await completeOperation(completion(), { result: { rows: 7 } });
    }
    expect(seen).toEqual(["start 1: 503", "started", "succeeded"]);
  });

  test("a wait may end before the operation does, and a cancel is passed on", async () => {
    handler.script((call, response) => {
      if (call.url.includes("/cancel")) response.writeHead(202).end();
      else response.writeHead(201, { "content-type": "application/json" }).end(running.body);
    });
    const handle = await client.start("build", { table: "orders" });
    await expect(handle.result({ timeoutMs: 50 })).rejects.toBeInstanceOf(StillRunning);
    await handle.cancel();
    await handler.nextCall("the cancel", (call) => call.url.includes("/cancel"));
  });

  test("handler errors keep type and message; a retryable one is tried again with the same request id", async () => {
    handler.script({
      status: 400,
      headers: { "content-type": "application/json" },
      body: '{"message":"bad table"}',
    });
    await expect(client.execute("build", { table: "" })).rejects.toMatchObject({
      type: "BAD_REQUEST",
      message: "bad table",
    });
    let n = 0;
    handler.script((_call, response) => {
      n += 1;
      if (n < 3) response.writeHead(503).end();
      else response.writeHead(200, { "content-type": "application/json" }).end('{"rows":1}');
    });
    expect(await client.execute("build", { table: "x" })).toEqual({ rows: 1 });
    const keys = handler.calls.slice(1).map((call) => call.headers["nexus-request-id"]);
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  });

  test("a wrong token and a missing grant are HandlerErrors that say what to do", async () => {
    const wrong = createNexusClient({ url: mesh.url, token: "nope" }).service({
      endpoint: "x",
      service: reports,
    });
    await expect(wrong.execute("build", { table: "x" })).rejects.toMatchObject({
      type: "UNAUTHENTICATED",
    });
    const endpoint = await mesh.endpoint(handler.url);
    const stranger = createNexusClient({ url: mesh.url, token: mesh.token("stranger") }).service({
      endpoint,
      service: reports,
    });
    const refused = await stranger
      .execute("build", { table: "x" })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HandlerError);
    expect(refused).toMatchObject({
      type: "UNAUTHORIZED",
      message: expect.stringContaining("nexus-mesh grant put") as unknown,
    });
  });
});
