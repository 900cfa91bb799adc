import { generateKeyPairSync } from "node:crypto";
import { OperationError } from "nexus-rpc";
import { request } from "undici";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  createCallbackReceiver,
  type ReceivedCompletion,
} from "../../sdk/src/callback-receiver.ts";
import { encodeCompletion } from "../../sdk/src/protocol/completion.ts";
import { contentHeaders, serialize } from "../../sdk/src/protocol/content.ts";
import {
  completionId,
  headerDigest,
  signV1,
  signV1a,
} from "../../sdk/src/protocol/webhook-signature.ts";
import { serve } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";

const operationId = "01890a5d-ac96-774b-bcce-b302099a8057";
const secret = Buffer.from("0123456789abcdef0123456789abcdef");
const ed25519 = generateKeyPairSync("ed25519");

type Outcome = Parameters<typeof encodeCompletion>[0];
interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

let counter = 0;
/** As the gateway delivers: a new completion each time unless `n` is given. */
function delivery(
  outcome: Outcome,
  {
    ageSeconds = 0,
    n = (counter += 1),
    v1a = false,
  }: { ageSeconds?: number; n?: number; v1a?: boolean } = {},
): Delivery {
  const { headers, body } = encodeCompletion(outcome, { operationToken: operationId });
  const digest = headerDigest(operationId, contentHeaders(headers));
  const state = "content" in outcome ? "succeeded" : outcome.error.state;
  const id = completionId({ operationId, n, state, digest });
  const time = Math.floor(Date.now() / 1_000) - ageSeconds;
  const signature = v1a
    ? signV1a(ed25519.privateKey, id, time, body)
    : signV1(secret, id, time, body);
  return {
    headers: {
      ...headers,
      "x-own": "mine",
      "webhook-id": id,
      "webhook-timestamp": String(time),
      "webhook-signature": signature,
    },
    body,
  };
}
const result = { content: serialize({ rows: 3 }) };

const received: ReceivedCompletion[] = [];
let process: (completion: ReceivedCompletion) => Promise<void>;
let served: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  const receiver = createCallbackReceiver({
    secrets: ["whsec_b2xk", `whsec_${secret.toString("base64")}`],
    publicKeys: [ed25519.publicKey],
    onCompletion: (completion) => {
      received.push(completion);
      return process(completion);
    },
    onError: () => undefined,
    maxBytes: 1_000,
  });
  served = await serve(receiver.listener);
});
afterAll(() => served.close());
beforeEach(() => {
  received.length = 0;
  process = () => Promise.resolve();
});

async function deliver({ headers, body }: Delivery): Promise<number> {
  const reply = await request(served.url, { method: "POST", headers, body });
  await reply.body.dump();
  return reply.statusCode;
}

test.each([false, true])("a signed result is handed over (v1a: %s)", async (v1a) => {
  expect(await deliver(delivery(result, { v1a }))).toBe(200);
  const [completion] = received;
  expect(completion).toMatchObject({
    operationId,
    state: "succeeded",
    headers: { "x-own": "mine" },
  });
  expect(completion?.state === "succeeded" && completion.result()).toEqual({ rows: 3 });
});

test("a signed failure is an OperationError", async () => {
  const error = new OperationError("canceled", "stopped");
  expect(await deliver(delivery({ error }))).toBe(200);
  expect(received[0]).toMatchObject({
    state: "canceled",
    error: { state: "canceled", message: "stopped" },
  });
});

test.each<[string, Record<string, string>]>([
  ["the state", { "nexus-operation-state": "failed" }],
  ["the token", { "nexus-operation-token": "01890a5d-ac96-774b-bcce-b302099a8058" }],
  ["the content type", { "content-type": "application/octet-stream" }],
  ["a content header more", { "content-encoding": "gzip" }],
  ["the time", { "webhook-timestamp": String(Math.floor(Date.now() / 1_000) + 30) }],
  ["the time, unreadable", { "webhook-timestamp": "1e9" }],
  ["the id", { "webhook-id": "msg_1" }],
  ["the signature", { "webhook-signature": "v1,AAAA" }],
])("changed on the way: %s", async (_name, changed) => {
  const given = delivery(result);
  expect(await deliver({ ...given, headers: { ...given.headers, ...changed } })).toBe(401);
  expect(received).toEqual([]);
});

test("the state changed in header and id together: the signature covers the id", async () => {
  const given = delivery(result);
  const id = given.headers["webhook-id"]?.replace("succeeded", "failed") ?? "";
  const headers = { ...given.headers, "webhook-id": id, "nexus-operation-state": "failed" };
  expect(await deliver({ ...given, headers })).toBe(401);
});

test("an id of another operation than the token's, even if signed", async () => {
  const given = delivery(result);
  const id = (given.headers["webhook-id"] ?? "").replace(
    operationId,
    operationId.replace("0", "1"),
  );
  const time = given.headers["webhook-timestamp"] ?? "";
  const signature = signV1(secret, id, Number(time), given.body);
  const headers = { ...given.headers, "webhook-id": id, "webhook-signature": signature };
  expect(await deliver({ ...given, headers })).toBe(401);
});

test("another body, no headers, too large a body", async () => {
  expect(await deliver({ ...delivery(result), body: Buffer.from('{"rows":4}') })).toBe(401);
  expect(await deliver({ headers: {}, body: Buffer.from("{}") })).toBe(401);
  expect(await deliver(delivery({ content: serialize("x".repeat(1_001)) }))).toBe(400);
  expect(received).toEqual([]);
});

test.each([
  [299, 200],
  [-299, 200],
  [302, 401],
  [-302, 401],
])("%d s old: %d", async (ageSeconds, status) => {
  expect(await deliver(delivery(result, { ageSeconds }))).toBe(status);
});

test("signed with another secret, also beside a signature that is none", async () => {
  const given = delivery(result);
  const { "webhook-id": id = "", "webhook-timestamp": time = "" } = given.headers;
  const foreign = signV1(Buffer.from("another secret"), id, Number(time), given.body);
  for (const [signature, status] of [
    [foreign, 401],
    [`v1,AAAA ${foreign}`, 401],
    [`${foreign} ${given.headers["webhook-signature"] ?? ""}`, 200],
  ] as const) {
    const headers = { ...given.headers, "webhook-signature": signature };
    expect(await deliver({ ...given, headers })).toBe(status);
  }
});

test("a repeat is acknowledged and not handed over again", async () => {
  const n = (counter += 1);
  expect(await deliver(delivery(result, { n }))).toBe(200);
  expect(await deliver(delivery(result, { n, ageSeconds: 1 }))).toBe(200);
  expect(received).toHaveLength(1);
});

test("what could not be processed is delivered again", async () => {
  const given = delivery(result);
  process = () => Promise.reject(new Error("database down"));
  expect(await deliver(given)).toBe(500);
  process = () => Promise.resolve();
  expect(await deliver(given)).toBe(200);
  expect(received).toHaveLength(2);
});

test("of two deliveries at once neither is acknowledged before the work is done", async () => {
  const given = delivery(result);
  let fail: (error: Error) => void = () => undefined;
  process = () =>
    new Promise((_resolve, reject) => {
      fail = reject;
    });
  const first = deliver(given);
  await waitFor("the first to be in progress", () => received.length === 1);
  let secondIsDone = false;
  const second = deliver(given).finally(() => {
    secondIsDone = true;
  });
  // A third, other completion passes: by then the second has been read, and waits.
  process = () => Promise.resolve();
  expect(await deliver(delivery(result))).toBe(200);
  expect(secondIsDone).toBe(false);
  fail(new Error("database down"));
  expect(await Promise.all([first, second])).toEqual([500, 500]);
});

test("a receiver without a key does not start", () => {
  const onCompletion = () => undefined;
  expect(() => createCallbackReceiver({ secrets: [], onCompletion })).toThrow(TypeError);
});
