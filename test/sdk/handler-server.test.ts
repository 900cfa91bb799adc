import {
  HandlerError,
  HandlerStartOperationResult,
  OperationError,
  operation,
  service,
  serviceHandler,
} from "nexus-rpc";
import type { CancelOperationContext, StartOperationContext } from "nexus-rpc";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHandlerServer } from "../../sdk/src/handler.ts";
import { serve } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";

const date = {
  transferTypeConverter: {
    toTransferType: (value: Date) => value.toISOString(),
    fromTransferType: (value: unknown) => {
      if (typeof value !== "string") throw new TypeError("not a date");
      return new Date(value);
    },
  },
};
const contract = service("svc/1", {
  echo: operation<unknown, unknown>(),
  odd: operation<undefined, undefined>({ name: "ä/b" }),
  fail: operation<string, undefined>(),
  later: operation<undefined, undefined>(),
  hang: operation<undefined, undefined>(),
  nextDay: operation<Date, Date>({ inputType: date, outputType: date }),
});

const starts: StartOperationContext[] = [];
const cancels: { ctx: CancelOperationContext; token: string }[] = [];
const logged: unknown[] = [];
const hanging: AbortSignal[] = [];
const errors: Record<string, () => Error> = {
  failed: () =>
    new OperationError("failed", "no stock", { cause: new HandlerError("CONFLICT", "why") }),
  canceled: () => new OperationError("canceled", "gone"),
  odd: () => new OperationError("running" as "failed", "odd"),
  forbidden: () => new HandlerError("UNAUTHORIZED", "not you"),
  final: () => new HandlerError("INTERNAL", "broken", { retryableOverride: false }),
  plain: () => new Error("password=1"),
};

const handler = serviceHandler(contract, {
  echo: (ctx, input) => {
    starts.push(ctx);
    ctx.outboundLinks.push(...ctx.inboundLinks);
    return Promise.resolve(input);
  },
  odd: () => Promise.resolve(undefined),
  fail: (_ctx, which) => Promise.reject(errors[which]?.() ?? new Error(which)),
  later: {
    start: () => Promise.resolve(HandlerStartOperationResult.async("t/1")),
    cancel: (ctx, token) => {
      cancels.push({ ctx, token });
      return Promise.resolve();
    },
  },
  hang: (ctx) => {
    hanging.push(ctx.abortSignal);
    return new Promise((_resolve, reject) => {
      ctx.abortSignal.addEventListener("abort", () => {
        reject(new HandlerError("REQUEST_TIMEOUT", "gave up"));
      });
    });
  },
  nextDay: (_ctx, day) => Promise.resolve(new Date(day.getTime() + 86_400_000)),
});

let served: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  const { listener } = createHandlerServer({
    services: [handler],
    trust: "dangerously-accept-anyone",
    basePath: "/nexus/",
    maxBytes: 1_000,
    onError: (error) => logged.push(error),
  });
  served = await serve(listener);
});
afterAll(() => served.close());

async function send(
  path: string,
  { method = "POST", body = "", ...headers }: Record<string, string> = {},
) {
  const reply = await request(`${served.url}${path}`, {
    method: method as "POST",
    headers,
    body: body === "" ? null : body,
  });
  return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
}

const json = { "content-type": "application/json" };
const base = "/nexus/svc%2F1";

test.each([
  ["JSON", { ...json, body: '{"a":[1]}' }, "application/json", '{"a":[1]}'],
  ["null", { ...json, body: "null" }, "application/json", "null"],
  [
    "bytes",
    { "content-type": "application/octet-stream", body: "xy" },
    "application/octet-stream",
    "xy",
  ],
  ["nothing", {}, undefined, ""],
])("a synchronous answer: %s", async (_name, given, type, text) => {
  const reply = await send(`${base}/echo`, given);
  expect(reply).toMatchObject({ status: 200, text });
  expect(reply.headers["content-type"]).toBe(type);
  expect(reply.headers["content-length"]).toBe(String(text.length));
});

test.each([
  ["GET", `${base}/echo`, 400, 'invalid request method: expected POST, got \\"GET\\"'],
  ["OPTIONS", `${base}/echo`, 400, 'invalid request method: expected POST, got \\"OPTIONS\\"'],
  ["POST", "/nexus/", 404, "not found"],
  ["POST", "/nexus/one", 404, "not found"],
  ["POST", `${base}/echo/`, 404, "not found"],
  ["POST", "/elsewhere/svc%2F1/echo", 404, "not found"],
  ["POST", "/nexusx/svc%2F1/echo", 404, "not found"],
  ["POST", "/nexus/nope/echo", 404, 'service \\"nope\\" not found'],
  ["POST", `${base}/nope`, 404, 'operation \\"nope\\" not found'],
  ["POST", `${base}/constructor`, 404, 'operation \\"constructor\\" not found'],
  ["POST", `${base}/%zz`, 400, "percent-encoded"],
  ["POST", `${base}/echo?callback=%zz`, 400, "percent-encoded"],
])("%s %s is %d", async (method, path, status, message) => {
  const reply = await send(path, { method });
  expect(reply.status).toBe(status);
  expect(reply.headers["content-type"]).toBe("application/json");
  expect(reply.text).toContain(message);
  expect(reply.text).toContain("nexus.HandlerError");
});

test.each([
  ["of another type", { "content-type": "text/plain", body: "x" }, "invalid input"],
  ["without a type", { body: "x" }, "invalid input"],
  ["broken", { ...json, body: "{" }, "invalid input"],
  ["too large", { ...json, body: `"${"x".repeat(1_000)}"` }, "input exceeds size limit"],
])("input %s must not be retried", async (_name, given, message) => {
  const reply = await send(`${base}/echo`, given);
  expect(reply.status).toBe(400);
  expect(reply.text).toContain(message);
});

test.each([
  ["failed", 424, { "nexus-operation-state": "failed" }, '"no stock"'],
  ["canceled", 424, { "nexus-operation-state": "canceled" }, '"gone"'],
  ["odd", 500, {}, '{"message":"internal server error"}'],
  ["forbidden", 403, {}, '"not you"'],
  ["final", 500, { "nexus-request-retryable": "false" }, '"retryableOverride":false'],
  ["plain", 500, {}, '{"message":"internal server error"}'],
])("the error %s goes out as %d", async (which, status, headers, text) => {
  const support = { "temporal-nexus-failure-support": "true" };
  const reply = await send(`${base}/fail`, { ...json, ...support, body: JSON.stringify(which) });
  expect(reply.status).toBe(status);
  expect(reply.headers).toMatchObject(headers);
  expect(reply.text).toContain(text);
  expect(reply.text).not.toContain("password");
});

test("callers that don't say they support failures get the cause alone", async () => {
  const reply = await send(`${base}/fail`, { ...json, body: '"failed"' });
  expect(JSON.parse(reply.text)).toMatchObject({ message: "why", details: { type: "CONFLICT" } });
});

test("errors that stay inside are reported inside", async () => {
  await send(`${base}/fail`, { ...json, body: '"plain"' });
  expect(logged).toContainEqual(new Error("password=1"));
});

test("the context of a start", async () => {
  const before = Date.now();
  const link = '<http://a/>; type="t"';
  const reply = await send(`${base}/echo?callback=${encodeURIComponent("http://cb/?a=1 2")}`, {
    "Nexus-Request-Id": "r1",
    "Nexus-Callback-Token": "secret",
    "Nexus-Link": link,
    "Request-Timeout": "5s",
    "Operation-Timeout": "junk",
    "X-Own": "y",
    ...json,
    body: "1",
  });
  expect(reply.headers["nexus-link"]).toBe(link);
  const ctx = starts.at(-1);
  expect(ctx).toMatchObject({
    service: "svc/1",
    operation: "echo",
    requestId: "r1",
    callbackUrl: "http://cb/?a=1 2",
    callbackHeaders: { token: "secret" },
    headers: { "x-own": "y", "operation-timeout": "junk", "nexus-link": link },
  });
  expect(
    Object.keys(ctx?.headers ?? {}).filter((name) => /^(content|nexus-callback)-/.test(name)),
  ).toEqual([]);
  const deadline = ctx?.requestDeadline?.getTime() ?? 0;
  expect(deadline).toBeGreaterThanOrEqual(before + 5_000);
  expect(deadline).toBeLessThanOrEqual(Date.now() + 5_000);
});

test.each([{}, { "request-timeout": "0s" }, { "request-timeout": "" }])(
  "no deadline with %j",
  async (given) => {
    await send(`${base}/echo`, given);
    expect(starts.at(-1)?.requestDeadline).toBeUndefined();
    expect(starts.at(-1)?.callbackUrl).toBeUndefined();
  },
);

test.each([
  [{ "request-timeout": "1h" }, "invalid request timeout header"],
  [{ "nexus-link": '<http://a>; type="' }, "nexus-link"],
])("%j is refused", async (given: Record<string, string>, message) => {
  const reply = await send(`${base}/echo`, given);
  expect(reply.status).toBe(400);
  expect(reply.text).toContain(message);
});

test("a handler's time is over with the request's, and when the caller hangs up", async () => {
  const late = await send(`${base}/hang`, { "request-timeout": "20ms" });
  expect(late.status).toBe(408);
  const hangUp = new AbortController();
  const seen = hanging.length;
  const reply = request(`${served.url}${base}/hang`, { method: "POST", signal: hangUp.signal });
  const signal = await waitFor("the handler to run", () => hanging[seen]);
  expect(signal.aborted).toBe(false);
  hangUp.abort();
  await expect(reply).rejects.toThrow();
  await waitFor("the abort", () => signal.aborted);
});

test("an asynchronous start, and each form of cancel", async () => {
  const started = await send(`${base}/later`);
  expect(started).toMatchObject({ status: 201, text: '{"token":"t/1","state":"running"}' });
  expect(started.headers["content-type"]).toBe("application/json");
  const own = { "x-own": "y" };
  for (const [path, headers] of [
    ["cancel", { "nexus-operation-token": "t/1" }],
    ["cancel?token=t%2F1", {}],
    ["t%2F1/cancel", {}],
    ["cancel?token=other", { "nexus-operation-token": "t/1" }],
  ] as const) {
    const reply = await send(`${base}/later/${path}`, { ...own, ...headers });
    expect(reply).toMatchObject({ status: 202, text: "" });
    expect(cancels.at(-1)?.token).toBe("t/1");
    expect(cancels.at(-1)?.ctx.headers["x-own"]).toBe("y");
    expect(cancels.at(-1)?.ctx.headers["nexus-operation-token"]).toBeUndefined();
  }
  expect(cancels).toHaveLength(4);
});

test("a cancel without a token, and of an operation that has none", async () => {
  const missing = await send(`${base}/later/cancel`);
  expect(missing.status).toBe(400);
  expect(missing.text).toContain("missing operation token");
  const sync = await send(`${base}/echo/cancel`, { "nexus-operation-token": "t" });
  expect(sync.status).toBe(501);
});

test("names that need escapes, and converters of the contract", async () => {
  expect((await send(`${base}/%C3%A4%2Fb`)).status).toBe(200);
  const converted = await send(`${base}/nextDay`, { ...json, body: '"2026-01-01T00:00:00.000Z"' });
  expect(converted.text).toBe('"2026-01-02T00:00:00.000Z"');
  const refused = await send(`${base}/nextDay`, { ...json, body: "1" });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain("invalid input");
});

test("a framework that has read the body already hands it over", async () => {
  const { handle } = createHandlerServer({
    services: [handler],
    trust: "dangerously-accept-anyone",
  });
  const other = await serve((incoming, response) => {
    void handle(incoming, response, Buffer.from("7"));
  });
  const reply = await request(`${other.url}/svc%2F1/echo`, { method: "POST", headers: json });
  expect(await reply.body.text()).toBe("7");
  await other.close();
});

test("what can't be served is refused at the start", () => {
  const trust = "dangerously-accept-anyone";
  expect(() => createHandlerServer({ services: [handler, handler], trust })).toThrow(TypeError);
  const dots = serviceHandler(service("..", { a: operation<undefined, undefined>() }), {
    a: () => Promise.resolve(undefined),
  });
  expect(() => createHandlerServer({ services: [dots], trust })).toThrow(TypeError);
});
