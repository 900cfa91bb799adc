import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { decodeErrorResponse } from "@nexus-mesh/sdk/protocol/failure-response";
import { AdminError } from "@nexus-mesh/sdk/admin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import {
  startScriptedHandler,
  type HandlerCall,
  type ScriptedHandler,
} from "../harness/handler-server.ts";
import { rawExchange } from "../harness/raw-exchange.ts";
import type { RawReply } from "../harness/raw-replies.ts";
import { seedTwoTeams } from "../harness/seed.ts";

let handler: ScriptedHandler;
let gateway: TestGateway;
let start: string;

beforeAll(async () => {
  handler = await startScriptedHandler();
  gateway = await startGateway();
  const { callerToken } = await seedTwoTeams(gateway, handler.url);
  start = `POST /nexus/endpoints/analytics/services/s/o HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer ${callerToken}\r\nContent-Type: application/json\r\n`;
});
afterAll(async () => {
  await gateway.close();
  await handler.close();
});

const get = "GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n";
const chunks = "Transfer-Encoding: chunked\r\n\r\n";
const garbage = "no request\r\n\r\n";

const unreadable = [
  { what: "no HTTP at all", bytes: "\x16\x03\x01\x02\x00\x01", status: 400 },
  { what: "a bad request line", bytes: garbage, status: 400 },
  { what: "an unknown version", bytes: "GET / HTTP/9.9\r\n\r\n", status: 400 },
  { what: "a bad header name", bytes: `${get}a b: c\r\n\r\n`, status: 400 },
  { what: "a byte no header may hold", bytes: `${get}X: a\0b\r\n\r\n`, status: 400 },
  {
    what: "no Host",
    bytes: "GET /healthz HTTP/1.1\r\n\r\n",
    status: 400,
    pointer: "header:Host",
  },
  {
    what: "a length that is no number",
    bytes: `${get}Content-Length: x\r\n\r\n`,
    status: 400,
    pointer: "header:Content-Length",
  },
  {
    what: "two lengths",
    bytes: `${get}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    status: 400,
    pointer: "header:Content-Length",
  },
  {
    what: "a length and chunks",
    bytes: `${get}Content-Length: 1\r\n${chunks}`,
    status: 400,
    pointer: "header:Transfer-Encoding",
  },
  { what: "headers over the limit", bytes: `${get}X: ${"x".repeat(20_000)}\r\n`, status: 431 },
  { what: "a path over the limit", bytes: `GET /${"x".repeat(20_000)}`, status: 431 },
  {
    what: "an unknown expectation",
    bytes: `${get}Expect: the-moon\r\n\r\n`,
    status: 417,
    pointer: "header:Expect",
  },
];
const codes: Record<number, string> = {
  400: "INVALID_REQUEST",
  413: "PAYLOAD_TOO_LARGE",
  417: "EXPECTATION_FAILED",
  431: "HEADERS_TOO_LARGE",
};

describe.each(["url", "opsUrl"] as const)("on the listener of %s", (listener) => {
  test.each(unreadable)("$what is answered once, typed", async ({ bytes, status, pointer }) => {
    const { replies } = await rawExchange(gateway[listener], bytes);
    expect(replies).toHaveLength(1);
    expectTyped(replies[0], status, pointer);
  });
});

describe("a body that turns out to be malformed", () => {
  test.each([
    { what: "a bad chunk size", body: "zz\r\n", status: 400 },
    { what: "chunk extensions over the limit", body: `5;${"x".repeat(20_000)}\r\n`, status: 413 },
  ])("$what is its request's answer, and starts nothing", async ({ body, status }) => {
    const before = handler.calls.length;
    const { replies } = await rawExchange(gateway.url, `${start}${chunks}2\r\n{}\r\n${body}`);
    expect(replies).toHaveLength(1);
    expectTyped(replies[0], status, "");
    expect(handler.calls.length).toBe(before);
  });

  test("has no second answer where its request was answered already", async () => {
    const { replies } = await rawExchange(gateway.url, `${get}${chunks}`, "zz\r\n");
    expect(replies.map(({ status }) => status)).toEqual([200]);
  });
});

describe("one unreadable request after others", () => {
  test("is answered after a whole one that was answered before", async () => {
    const { replies } = await rawExchange(gateway.url, `${get}\r\n`, garbage);
    expect(replies.map(({ status }) => status)).toEqual([200, 400]);
    expectTyped(replies[1], 400);
  });

  test("waits for the answers that are still owed", async () => {
    let release: (() => void) | undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.script(async (_call: HandlerCall, response) => {
      await released;
      response.writeHead(200, { "content-type": "application/json" }).end('"late"');
    });
    const called = handler.nextCall("the start before the garbage");
    const exchanged = rawExchange(
      gateway.url,
      `${get}\r\n${start}Content-Length: 2\r\n\r\n{}${garbage}`,
    );
    await called;
    release?.();
    const { replies } = await exchanged;
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 400]);
    expect(replies[1]?.body.toString()).toBe('"late"');
    expectTyped(replies[2], 400);
  });
});

test("a client that goes on sending is not reset before it has read the answer", async () => {
  const { replies, reset } = await rawExchange(gateway.url, `${get}X: ${"x".repeat(4_000_000)}`);
  expect(replies.map(({ status }) => status)).toEqual([431]);
  expect(reset).toBe(false);
});

test("Expect: 100-continue is answered before the body is sent", async () => {
  const { hostname, port } = new URL(gateway.url);
  const request = httpRequest({
    ...{ hostname, port, method: "POST", path: "/nexus/callback" },
    headers: { expect: "100-continue", "content-length": 2 },
  });
  request.flushHeaders();
  await once(request, "continue");
  request.end("{}");
  const [response] = (await once(request, "response")) as [{ statusCode: number }];
  request.destroy();
  expect(response.statusCode).toBe(400);
});

/** As a problem by the admin client, and as a Failure by a Nexus client. */
function expectTyped(reply: RawReply | undefined, status: number, pointer?: string): void {
  if (reply === undefined) throw new Error("there is no reply");
  const code = codes[status];
  expect(reply).toMatchObject({ status, complete: true });
  expect(reply.headers["connection"]).toBe("close");

  const problem = new AdminError(reply);
  expect(problem).toMatchObject({ status, code, retryable: false });
  expect(problem.hint).toEqual(expect.stringMatching(/./));
  expect(problem.errors.map((error) => error.pointer)).toEqual(
    pointer === undefined ? [] : [pointer],
  );

  const failure = decodeErrorResponse(reply);
  expect(failure).toMatchObject({ kind: "handler-error", type: "BAD_REQUEST", retryable: false });
  expect(failure).toMatchObject({ failure: { metadata: { code } } });
}
