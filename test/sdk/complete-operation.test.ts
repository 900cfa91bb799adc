import { OperationError } from "nexus-rpc";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CompletionRefused, completeOperation } from "../../sdk/src/complete-operation.ts";
import { ConnectionFailed } from "../../sdk/src/http-exchange.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";

const fast = { firstDelayMs: 1, maxDelayMs: 2 };
let mesh: ScriptedHandler;
let seen: number;
beforeAll(async () => {
  mesh = await startScriptedHandler();
});
afterAll(() => mesh.close());
beforeEach(() => {
  seen = mesh.calls.length;
});
const sent = () => mesh.calls.slice(seen);
const target = () => ({ callbackUrl: `${mesh.url}/cb?x=1` });

/** Answers the given statuses in turn, the last one from then on; 0 resets the connection. */
function answers(...statuses: number[]) {
  mesh.script((_call, response) => {
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (status === 0) response.socket?.resetAndDestroy();
    else response.writeHead(status ?? 200).end();
  });
}

test("a result, with the headers that the start brought; none of them forges the outcome", async () => {
  answers(200);
  const callbackHeaders = {
    Token: "secret",
    "Nexus-Operation-State": "failed",
    "content-type": "x/y",
  };
  const startTime = new Date("2026-01-02T03:04:05Z");
  await completeOperation(
    { ...target(), callbackHeaders, operationToken: "t", startTime },
    { result: { rows: 3 } },
  );
  const [call] = sent();
  expect(call).toMatchObject({ method: "POST", url: "/nexus/cb?x=1" });
  expect(call?.body.toString()).toBe('{"rows":3}');
  expect(call?.headers).toMatchObject({
    token: "secret",
    "content-type": "application/json",
    "nexus-operation-state": "succeeded",
    "nexus-operation-token": "t",
    "nexus-operation-start-time": "Fri, 02 Jan 2026 03:04:05 GMT",
  });
});

test("an error", async () => {
  answers(200);
  await completeOperation(target(), { error: new OperationError("canceled", "stopped") });
  expect(sent()[0]?.headers["nexus-operation-state"]).toBe("canceled");
  expect(JSON.parse(sent()[0]?.body.toString() ?? "")).toMatchObject({ message: "stopped" });
});

test.each([
  ["any 2xx", [204], 1],
  ["after a proxy's 502, a 503 and a reset", [502, 503, 0, 200], 4],
])("accepted: %s", async (_name, statuses, tries) => {
  answers(...statuses);
  await completeOperation(target(), { result: 1 }, fast);
  expect(sent()).toHaveLength(tries);
});

test("refused for good at once", async () => {
  answers(404);
  const completed = completeOperation(target(), { result: 1 }, { ...fast, attempts: 3 });
  await expect(completed).rejects.toThrow(CompletionRefused);
  await expect(completed).rejects.toMatchObject({ status: 404 });
  expect(sent()).toHaveLength(1);
});

test("what may be accepted later is not refused, however often it was tried", async () => {
  answers(503);
  const completed = completeOperation(target(), { result: 1 }, { ...fast, attempts: 3 });
  await expect(completed).rejects.toThrow(ConnectionFailed);
  expect(sent()).toHaveLength(3);
});

test("nobody there", async () => {
  const gone = { callbackUrl: "http://127.0.0.1:1/" };
  const completed = completeOperation(gone, { result: 1 }, { ...fast, attempts: 2 });
  await expect(completed).rejects.toThrow(ConnectionFailed);
});
