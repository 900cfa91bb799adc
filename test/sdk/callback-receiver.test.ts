import { generateKeyPairSync, randomUUID } from "node:crypto";
import { OperationError } from "nexus-rpc";
import pg from "pg";
import { request } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createCallbackReceiver,
  type CompletionDeduplication,
  type ReceivedCompletion,
} from "../../sdk/src/callback-receiver.ts";
import { encodeCompletion } from "../../sdk/src/protocol/completion.ts";
import { contentHeaders, serialize } from "../../sdk/src/protocol/content.ts";
import { decodeErrorResponse } from "../../sdk/src/protocol/failure-response.ts";
import {
  completionId,
  headerDigest,
  signV1,
  signV1a,
} from "../../sdk/src/protocol/webhook-signature.ts";
import { serve } from "../harness/handler-server.ts";
import { createEmptyDatabase, type TestDatabase } from "../harness/postgres.ts";
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

describe("several processes, one database", () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let first: Process;
  let second: Process;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 4 });
    await pool.query(
      `create table completion (id text primary key, claim uuid not null, expires_at timestamptz not null,
         done boolean not null default false)`,
    );
    first = await startProcess();
    second = await startProcess();
  });
  afterAll(async () => {
    await first.close();
    await second.close();
    await pool.end();
    await database.drop();
  });

  /** As in the example of {@link CompletionDeduplication}. */
  function onPostgres(): CompletionDeduplication {
    return {
      async claim(id, forMs) {
        const claim = randomUUID();
        const { rowCount } = await pool.query(
          `insert into completion as c (id, claim, expires_at) values ($1, $2, now() + $3 * interval '1 ms')
           on conflict (id) do update set claim = excluded.claim, expires_at = excluded.expires_at
           where not c.done and c.expires_at <= now()`,
          [id, claim, forMs],
        );
        if (rowCount === 1)
          return {
            async done() {
              await pool.query("update completion set done = true where id = $1", [id]);
            },
            async release() {
              await pool.query("delete from completion where id = $1 and claim = $2 and not done", [
                id,
                claim,
              ]);
            },
          };
        const { rows } = await pool.query<{ done: boolean }>(
          "select done from completion where id = $1",
          [id],
        );
        return rows[0]?.done === true ? "done" : "busy";
      },
    };
  }

  interface Process {
    readonly url: string;
    readonly errors: unknown[];
    readonly handed: string[];
    work: () => Promise<void>;
    close(): Promise<void>;
  }

  async function startProcess(): Promise<Process> {
    const errors: unknown[] = [];
    const handed: string[] = [];
    const { listener } = createCallbackReceiver({
      secrets: [secret],
      deduplication: onPostgres(),
      onError: (error) => errors.push(error),
      onCompletion: (completion) => {
        handed.push(completion.completionId);
        return started.work();
      },
    });
    const listening = await serve(listener);
    const started: Process = { ...listening, errors, handed, work: () => Promise.resolve() };
    return started;
  }

  async function at({ url }: Process, { headers, body }: Delivery) {
    const reply = await request(url, { method: "POST", headers, body });
    await reply.body.dump();
    return { status: reply.statusCode, retryAfter: reply.headers["retry-after"] };
  }

  test("while one works on it, the other's delivery is to come again; then it is done for both", async () => {
    const given = delivery(result);
    let finish = (): void => undefined;
    first.work = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const working = at(first, given);
    const id = given.headers["webhook-id"] ?? "";
    await waitFor("the first to work", () => first.handed.includes(id));
    const busy = await at(second, given);
    expect(busy).toEqual({ status: 503, retryAfter: "5" });
    expect(decodeErrorResponse({ status: 503, headers: {}, body: Buffer.alloc(0) })).toMatchObject({
      retryable: true,
    });
    finish();
    expect(await working).toMatchObject({ status: 200 });
    expect(await at(second, given)).toMatchObject({ status: 200 });
    expect(second.handed).not.toContain(id);
  });

  test("an error gives it back at once, to whoever gets the next delivery", async () => {
    const given = delivery(result);
    first.work = () => Promise.reject(new Error("cannot save"));
    expect(await at(first, given)).toMatchObject({ status: 500 });
    expect(first.errors).toContainEqual(new Error("cannot save"));
    expect(await at(second, given)).toMatchObject({ status: 200 });
    expect(second.handed).toContain(given.headers["webhook-id"]);
  });

  test("what a process held when it died is processed once its claim has expired", async () => {
    const given = delivery(result);
    const id = given.headers["webhook-id"] ?? "";
    const dead = await onPostgres().claim(id, 60_000);
    expect((await at(second, given)).status).toBe(503);
    await pool.query("update completion set expires_at = now() where id = $1", [id]);
    expect((await at(second, given)).status).toBe(200);
    expect(second.handed.filter((handed) => handed === id)).toHaveLength(1);
    // It was only slow: what it gives back is no longer its own.
    if (typeof dead === "string") throw new Error(`the first claim was ${dead}`);
    await dead.release();
    expect((await at(first, given)).status).toBe(200);
    expect(first.handed).not.toContain(id);
  });

  test("work whose end could not be noted is told as an error, and not given back before its time", async () => {
    const given = delivery(result);
    await pool.query("alter table completion add constraint never_done check (not done) not valid");
    try {
      first.work = () => Promise.resolve();
      expect(await at(first, given)).toMatchObject({ status: 500 });
      expect(await at(second, given)).toMatchObject({ status: 503 });
    } finally {
      await pool.query("alter table completion drop constraint never_done");
    }
  });
});

test("a receiver without a key does not start", () => {
  const onCompletion = () => undefined;
  expect(() => createCallbackReceiver({ secrets: [], onCompletion })).toThrow(TypeError);
});
