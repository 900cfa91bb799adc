import { HandlerError, OperationError, operation, service } from "nexus-rpc";
import { afterAll, beforeAll, beforeEach, expect, expectTypeOf, test } from "vitest";
import {
  ConnectionFailed,
  createNexusClient,
  InvalidRequest,
  StillRunning,
  type NexusClientOptions,
} from "../../sdk/src/client.ts";
import { parseDuration } from "../../sdk/src/protocol/duration.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";

const date = {
  transferTypeConverter: {
    toTransferType: (value: Date) => value.toISOString(),
    fromTransferType: (value: unknown) => new Date(String(value)),
  },
};
const contract = service("svc/1", {
  count: operation<{ table: string }, { rows: number }>({ name: "count rows" }),
  nextDay: operation<Date, Date>({ inputType: date, outputType: date }),
});
const json = { "content-type": "application/json" };
const input = { table: "t" };
const token = "01890a5d-ac96-774b-bcce-b302099a8057";
const retry = { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 };

/** Any class of errors, whatever it is made from. */
type ErrorKind = new (...args: never[]) => Error;

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
const running: Answer = {
  status: 201,
  headers: json,
  body: `{"token":"${token}","state":"running"}`,
};
const rows: Answer = { status: 200, headers: json, body: '{"rows":3}' };

/** Stands for a gateway that says what the test wants to see read. */
let gateway: ScriptedHandler;
let seen: number;
beforeAll(async () => {
  gateway = await startScriptedHandler();
});
afterAll(() => gateway.close());
beforeEach(() => {
  seen = gateway.calls.length;
});
const sent = () => gateway.calls.slice(seen);

/** The given answers in turn, the last one from then on; status 0 resets the connection. */
function answers(...script: Answer[]) {
  gateway.script((_call, response) => {
    const { status, headers, body } = (script.length > 1 ? script.shift() : script[0]) ?? rows;
    if (status === 0) response.socket?.resetAndDestroy();
    else response.writeHead(status, headers).end(body);
  });
}

function target(options: Partial<NexusClientOptions> = {}) {
  const url = gateway.url.replace(/\/nexus$/, "/");
  const client = createNexusClient({ url, token: "tok", retry, ...options });
  return client.service({ endpoint: "reports", service: contract });
}

test("types come from the contract", () => {
  const client = target();
  expectTypeOf(client.execute<"count">)
    .parameter(1)
    .toEqualTypeOf<{ table: string }>();
  expectTypeOf(client.execute<"count">).returns.resolves.toEqualTypeOf<{ rows: number }>();
});

test("what a start says on the wire", async () => {
  answers(rows);
  const client = target({ namespace: "storefront", token: () => Promise.resolve("fresh") });
  const result = await client.execute("count", input, {
    requestId: "r1",
    scheduleToCloseMs: 60_000,
    scheduleToStartMs: 1_000,
    startToCloseMs: 2_000,
    callbackUrl: "http://cb/?a=1 2",
    callbackHeaders: { Order: "7" },
    headers: { "X-Own": "y", "nexus-request-id": "forged", authorization: "forged" },
    links: [{ url: "http://a/1,2", type: "t" }],
  });
  expect(result).toEqual({ rows: 3 });
  const [call] = sent();
  expect(call?.url).toBe(
    "/nexus/endpoints/reports/services/svc%2F1/count%20rows?callback=http%3A%2F%2Fcb%2F%3Fa%3D1%202",
  );
  expect(call?.body.toString()).toBe('{"table":"t"}');
  expect(call?.headers).toMatchObject({
    authorization: "Bearer fresh",
    "content-type": "application/json",
    "nexus-mesh-namespace": "storefront",
    "nexus-request-id": "r1",
    "operation-timeout": "60000ms",
    "nexus-mesh-schedule-to-start": "1000ms",
    "nexus-mesh-start-to-close": "2000ms",
    "nexus-callback-order": "7",
    "nexus-link": '<http://a/1%2C2>; type="t"',
    "x-own": "y",
  });
  expect(call?.headers.prefer).toBeUndefined();
});

test("start asks to go on asynchronously and waits by long polls", async () => {
  answers(running, { status: 202 }, rows);
  const handle = await target().start("count", input);
  expect(handle.operationId).toBe(token);
  expect(sent()[0]?.headers.prefer).toBe("respond-async");
  expect(sent()[0]?.headers["nexus-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(await handle.result()).toEqual({ rows: 3 });
  const polls = sent().slice(1);
  expect(polls.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `GET /v1/operations/${token}/result?wait=30000ms`,
    `GET /v1/operations/${token}/result?wait=30000ms`,
  ]);
});

test("execute is a start without the preference, and the wait", async () => {
  answers(running, rows);
  expect(await target().execute("count", input)).toEqual({ rows: 3 });
  expect(sent()).toHaveLength(2);
});

test("a wait may end first, and an unknown handle can be waited for", async () => {
  answers({ status: 202 });
  const result = target().handle("count", token).result({ timeoutMs: 0 });
  await expect(result).rejects.toThrow(StillRunning);
  await expect(result).rejects.toMatchObject({ operationId: token });
});

test("a result is waited for through more failures than a call would try", async () => {
  const failures = [502, 504, 0, 503, 429, 0, 520].map((status) => ({ status }));
  answers(...failures, { status: 202 }, ...failures, rows);
  expect(await target().handle("count", token).result()).toEqual({ rows: 3 });
  expect(sent()).toHaveLength(2 * failures.length + 2);
});

test("a gateway that drains, and so answers each poll at once, is not asked without a pause", async () => {
  answers({ status: 202 });
  const client = target({ retry: { firstDelayMs: 200, maxDelayMs: 200 } });
  const result = client.handle("count", token).result({ timeoutMs: 1_000 });
  await expect(result).rejects.toThrow(StillRunning);
  // A pause has 100 ms at least, and the last poll comes at the end.
  expect(sent().length).toBeGreaterThan(1);
  expect(sent().length).toBeLessThanOrEqual(12);
});

test("a result is not waited for where the gateway itself fails each time", async () => {
  answers({ status: 500 });
  const result = target().handle("count", token).result();
  await expect(result).rejects.toMatchObject({ type: "INTERNAL" });
  expect(sent()).toHaveLength(retry.attempts);
});

test.each<[string, Answer, ErrorKind]>([
  ["refuses", { status: 503, headers: { "retry-after": "60" } }, HandlerError],
  ["is not there", { status: 0 }, ConnectionFailed],
])("a wait that ends while the gateway %s does not say that it runs", async (_, answer, kind) => {
  answers(answer);
  const result = target().handle("count", token).result({ timeoutMs: 200 });
  await expect(result).rejects.toThrow(kind);
});

test("a wait through an outage is left with the signal's reason", async () => {
  answers({ status: 503, headers: { "retry-after": "3600" } });
  const leave = new AbortController();
  const result = target().handle("count", token).result({ signal: leave.signal });
  const before = sent().length;
  await gateway.nextCall("the poll", () => sent().length > before);
  const reason = new Error("enough");
  leave.abort(reason);
  await expect(result).rejects.toBe(reason);
});

test("a header that HTTP can't carry is named, and nothing is sent", async () => {
  answers(rows);
  const started = target().start("count", input, { headers: { "X-Order": "sch\u00f6n\n" } });
  await expect(started).rejects.toThrow(InvalidRequest);
  await expect(started).rejects.toThrow(/x-order/);
  expect(sent()).toHaveLength(0);
});

test("a cancel names the token", async () => {
  answers({ status: 202 });
  await target().handle("count", token).cancel();
  expect(sent()[0]).toMatchObject({
    method: "POST",
    url: "/nexus/endpoints/reports/services/svc%2F1/count%20rows/cancel",
    headers: { "nexus-operation-token": token },
  });
});

const canceled =
  '{"message":"stop","metadata":{"type":"nexus.OperationError"},"details":{"state":"canceled"}}';
const final =
  '{"message":"no","metadata":{"type":"nexus.HandlerError"},"details":{"type":"INTERNAL","retryableOverride":false}}';
test.each<[string, Answer, ErrorKind, Record<string, unknown>]>([
  [
    "an operation error",
    { status: 424, headers: json, body: canceled },
    OperationError,
    { state: "canceled", message: "stop" },
  ],
  [
    "a handler error",
    { status: 404, headers: json, body: '{"message":"m"}' },
    HandlerError,
    { type: "NOT_FOUND", message: "m" },
  ],
  [
    "a final internal error",
    { status: 500, headers: json, body: final },
    HandlerError,
    { type: "INTERNAL", message: "no" },
  ],
  ["no answer of a gateway's", { status: 302 }, HandlerError, { type: "UPSTREAM_TIMEOUT" }],
])("a start that ends in %s is sent once", async (_name, answer, kind, expected) => {
  answers(answer);
  const started = target().start("count", input);
  await expect(started).rejects.toThrow(kind);
  await expect(started).rejects.toMatchObject(expected);
  expect(sent()).toHaveLength(1);
});

test.each<[string, Answer, ErrorKind, Record<string, unknown>]>([
  [
    "failed",
    {
      status: 424,
      headers: { ...json, "nexus-operation-state": "failed" },
      body: '{"message":"m"}',
    },
    OperationError,
    { state: "failed" },
  ],
  [
    "refused by the handler",
    { status: 424, headers: json, body: final },
    HandlerError,
    { type: "INTERNAL", message: "no" },
  ],
  [
    "not yours",
    {
      status: 404,
      headers: { "content-type": "application/problem+json" },
      body: '{"title":"t","detail":"no such operation"}',
    },
    HandlerError,
    { type: "NOT_FOUND", message: "no such operation" },
  ],
])("a result that was %s", async (_name, answer, kind, expected) => {
  answers(answer);
  const result = target().handle("count", token).result();
  await expect(result).rejects.toThrow(kind);
  await expect(result).rejects.toMatchObject(expected);
});

test("what may pass is tried again, under the same request id", async () => {
  answers({ status: 503 }, { status: 0 }, rows);
  expect(await target().execute("count", input)).toEqual({ rows: 3 });
  const ids = sent().map((call) => call.headers["nexus-request-id"]);
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(1);
});

test("tries are bounded, and a final 503 gets one", async () => {
  answers({ status: 503 });
  await expect(target().execute("count", input)).rejects.toMatchObject({ type: "UNAVAILABLE" });
  expect(sent()).toHaveLength(3);
  answers({ status: 503, headers: { "nexus-request-retryable": "false" } });
  await expect(target().execute("count", input)).rejects.toMatchObject({ type: "UNAVAILABLE" });
  expect(sent()).toHaveLength(4);
});

test("the next try comes when Retry-After says, not before", async () => {
  const at: number[] = [];
  gateway.script((_call, response) => {
    at.push(performance.now());
    if (at.length === 1) response.writeHead(503, { "retry-after": "1" }).end();
    else response.writeHead(rows.status, rows.headers).end(rows.body);
  });
  await target().execute("count", input, { timeoutMs: 60_000 });
  const [first = 0, second = 0] = at;
  // However busy the machine is; timers may be a millisecond early.
  expect(second - first).toBeGreaterThan(990);
});

test.each([
  ["seconds beyond the call's time", "30", 20_000],
  ["a date beyond the call's time", new Date(Date.now() + 3_600_000).toUTCString(), 1_000_000],
  ["more than a minute", "61", undefined],
])("a Retry-After of %s: the answer is the last", async (_name, retryAfter, timeoutMs) => {
  answers({ status: 429, headers: { "retry-after": retryAfter } });
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  await expect(target().execute("count", input, limit)).rejects.toMatchObject({
    type: "RESOURCE_EXHAUSTED",
  });
  expect(sent()).toHaveLength(1);
});

test("a Retry-After that can't be read changes nothing", async () => {
  answers({ status: 503, headers: { "retry-after": "2026-01-02" } }, rows);
  expect(await target().execute("count", input)).toEqual({ rows: 3 });
});

test("a synchronous handler that is too late is called again under the same request id", async () => {
  answers({ status: 520, headers: json, body: '{"message":"upstream timeout"}' }, rows);
  expect(await target().execute("count", input)).toEqual({ rows: 3 });
  const ids = sent().map((call) => call.headers["nexus-request-id"]);
  expect(ids).toEqual([ids[0], ids[0]]);
});

test("the time of a call bounds its start, and the handler is told", async () => {
  answers(rows);
  await target().execute("count", input, { timeoutMs: 5_000 });
  const told = parseDuration(String(sent()[0]?.headers["request-timeout"])) ?? 0;
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThanOrEqual(4_000);
  gateway.script(() => undefined);
  const before = sent().length;
  const late = target().execute("count", input, { timeoutMs: 50 });
  await expect(late).rejects.toThrow(ConnectionFailed);
  expect(sent().length - before).toBeLessThanOrEqual(1);
});

test("nobody there, an answer that never comes, and a caller who gives up", async () => {
  const gone = target({ url: "http://127.0.0.1:1", retry: { attempts: 1 } });
  await expect(gone.execute("count", input)).rejects.toThrow(ConnectionFailed);
  gateway.script(() => undefined);
  const slow = target({ requestTimeoutMs: 20, retry: { attempts: 1 } });
  await expect(slow.execute("count", input)).rejects.toThrow(ConnectionFailed);
  const giveUp = new AbortController();
  const reason = new Error("gave up");
  const before = sent().length;
  const started = target().execute("count", input, { signal: giveUp.signal });
  await gateway.nextCall("the start", () => sent().length > before);
  giveUp.abort(reason);
  await expect(started).rejects.toBe(reason);
});

test("converters of the contract are applied both ways", async () => {
  answers({ status: 200, headers: json, body: '"2026-01-02T00:00:00.000Z"' });
  const day = await target().execute("nextDay", new Date("2026-01-01T00:00:00Z"));
  expect(sent()[0]?.body.toString()).toBe('"2026-01-01T00:00:00.000Z"');
  expect(day).toEqual(new Date("2026-01-02T00:00:00Z"));
});
