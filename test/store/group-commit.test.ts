import { expect, test } from "vitest";
import { systemClock } from "../../gateway/src/clock.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";
import {
  createGroupCommit,
  type GroupCommit,
  type GroupCommitOptions,
} from "../../gateway/src/store/group-commit.ts";
import { StoreUnavailable } from "../../gateway/src/store/store.ts";
import { waitFor } from "../harness/wait-for.ts";

interface Item {
  readonly key: string;
  readonly bytes: number;
}

interface Sent {
  readonly keys: string[];
  answer(): void;
  fail(error: Error): void;
}

type Batching = Partial<Pick<GroupCommitOptions<Item, string>, "onePerKey" | "gather" | "clock">>;

/** A group commit whose statements are answered by the test. */
function scripted(given: Batching = {}): { sent: Sent[]; batches: GroupCommit<Item, string> } {
  const sent: Sent[] = [];
  const batches = createGroupCommit<Item, string>({
    statement: "test",
    clock: systemClock(),
    metrics: createMetrics(),
    keyOf: ({ key }) => key,
    bytesOf: ({ bytes }) => bytes,
    onePerKey: false,
    write: (items) =>
      new Promise((resolve, reject) => {
        sent.push({
          keys: items.map(({ key }) => key),
          answer: () => resolve(items.map(({ key }) => `${key} written`)),
          fail: reject,
        });
      }),
    ...given,
  });
  return { sent, batches };
}

const item = (key: string, bytes = 10): Item => ({ key, bytes });
const error = (code: string): Error => Object.assign(new Error(code), { code });

async function nth(sent: readonly Sent[], at: number): Promise<Sent> {
  return waitFor(`statement ${at}`, () => sent[at], { every: 1 });
}

test("what is submitted while a statement is in flight shares the next one, sorted by key", async () => {
  const { sent, batches } = scripted();
  const first = batches.submit(item("a"));
  (await nth(sent, 0)).keys.push("seen");
  const more = ["d", "b", "c"].map((key) => batches.submit(item(key)));
  expect(sent).toHaveLength(1);
  sent[0]?.answer();
  expect(await first).toBe("a written");
  expect((await nth(sent, 1)).keys).toEqual(["b", "c", "d"]);
  sent[1]?.answer();
  expect(await Promise.all(more)).toEqual(["d written", "b written", "c written"]);
});

test("at most 500 rows and two statements at once", async () => {
  const { sent, batches } = scripted();
  const all = Array.from({ length: 1_600 }, (_, at) =>
    batches.submit(item(String(at).padStart(4, "0"))),
  );
  await nth(sent, 1);
  expect(sent.map(({ keys }) => keys.length)).toEqual([500, 500]);
  for (let at = 0; at < 4; at += 1) (await nth(sent, at)).answer();
  expect(sent.map(({ keys }) => keys.length)).toEqual([500, 500, 500, 100]);
  expect(await Promise.all(all)).toHaveLength(1_600);
});

test("at most 1 MiB, and a body over 64 KiB goes alone without making the small ones wait", async () => {
  const { sent, batches } = scripted();
  const big = batches.submit(item("big", 65 * 1024));
  const small = Array.from({ length: 30 }, (_, at) =>
    batches.submit(item(`s${String(at).padStart(2, "0")}`, 60 * 1024)),
  );
  expect((await nth(sent, 0)).keys).toEqual(["big"]);
  expect((await nth(sent, 1)).keys).toHaveLength(17);
  sent[1]?.answer();
  expect((await nth(sent, 2)).keys).toHaveLength(13);
  sent[2]?.answer();
  sent[0]?.answer();
  await Promise.all([big, ...small]);
});

test("one per key: the second waits for the next statement", async () => {
  const { sent, batches } = scripted({ onePerKey: true });
  const all = [item("a"), item("b"), item("a")].map((one) => batches.submit(one));
  expect((await nth(sent, 0)).keys).toEqual(["a", "b"]);
  sent[0]?.answer();
  expect((await nth(sent, 1)).keys).toEqual(["a"]);
  sent[1]?.answer();
  await Promise.all(all);
});

test("a data error is seen by the bad row's caller only", async () => {
  const { sent, batches } = scripted();
  const all = ["a", "b", "bad", "d", "e"].map((key) => batches.submit(item(key)));
  const results = Promise.allSettled(all);
  for (let at = 0; ; at += 1) {
    const statement = await nth(sent, at);
    if (statement.keys.includes("bad")) statement.fail(error("22P02"));
    else statement.answer();
    if (statement.keys.join() === "e" || statement.keys.join() === "d,e") break;
  }
  expect((await results).map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
});

test.each(["40P01", "40001"])("%s repeats the batch whole", async (code) => {
  const { sent, batches } = scripted();
  const all = ["b", "a"].map((key) => batches.submit(item(key)));
  (await nth(sent, 0)).fail(error(code));
  expect((await nth(sent, 1)).keys).toEqual(["a", "b"]);
  sent[1]?.answer();
  expect(await Promise.all(all)).toEqual(["b written", "a written"]);
});

test.each(["ECONNRESET", "57P01", "08006"])(
  "a connection lost during the commit (%s) repeats the same rows, and no one is answered before",
  async (code) => {
    const { sent, batches } = scripted();
    let answered = false;
    const all = Promise.all(["b", "a"].map((key) => batches.submit(item(key)))).finally(() => {
      answered = true;
    });
    (await nth(sent, 0)).fail(error(code));
    expect((await nth(sent, 1)).keys).toEqual(["a", "b"]);
    expect(answered).toBe(false);
    sent[1]?.answer();
    await all;
  },
);

test("Postgres that stays away is StoreUnavailable for all of the batch", async () => {
  // Time passes by one second a look, so that the bound is reached without waiting for it.
  let now = 0;
  const clock = { now: Date.now, random: () => 0, monotonic: () => (now += 1_000) };
  const batches = createGroupCommit<Item, string>({
    statement: "test",
    clock,
    metrics: createMetrics(),
    keyOf: ({ key }) => key,
    bytesOf: ({ bytes }) => bytes,
    onePerKey: false,
    write: () => Promise.reject(error("ECONNREFUSED")),
  });
  const results = await Promise.allSettled(["a", "b"].map((key) => batches.submit(item(key))));
  for (const result of results)
    expect(result).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
});

test("another error is not repeated and reaches every caller of the batch", async () => {
  const { sent, batches } = scripted();
  const results = Promise.allSettled(["a", "b"].map((key) => batches.submit(item(key))));
  (await nth(sent, 0)).fail(error("42P01"));
  expect((await results).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(sent).toHaveLength(1);
});

test("lazy ones gather until so many, or until they are flushed", async () => {
  const { sent, batches } = scripted({ gather: { ms: 1_000_000, rows: 3 } });
  void batches.submit(item("b"));
  void batches.submit(item("a"));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(sent).toHaveLength(0);
  void batches.submit(item("c"));
  expect((await nth(sent, 0)).keys).toEqual(["a", "b", "c"]);
  sent[0]?.answer();
  void batches.submit(item("d"));
  let flushed = false;
  const flush = batches.flush().then(() => {
    flushed = true;
  });
  expect((await nth(sent, 1)).keys).toEqual(["d"]);
  expect(flushed).toBe(false);
  sent[1]?.answer();
  await flush;
});

test("what is gathered goes on gathering while a statement is in flight", async () => {
  const { sent, batches } = scripted({ gather: { ms: 60_000, rows: 2 } });
  const first = [batches.submit(item("a")), batches.submit(item("b"))];
  await nth(sent, 0);
  const third = batches.submit(item("c"));
  sent[0]?.answer();
  await Promise.all(first);
  expect(sent).toHaveLength(1);
  const fourth = batches.submit(item("d"));
  (await nth(sent, 1)).answer();
  expect(await Promise.all([third, fourth])).toEqual(["c written", "d written"]);
});

test("nothing younger than its minimal age is written, except by a flush", async () => {
  let now = 0;
  const clock = { ...systemClock(), monotonic: () => now };
  const { sent, batches } = scripted({ clock, gather: { ms: 1, rows: 1, minAgeMs: 100 } });
  const old = batches.submit(item("old"));
  now = 100;
  const young = batches.submit(item("young"));
  expect((await nth(sent, 0)).keys).toEqual(["old"]);
  sent[0]?.answer();
  await old;
  const flushed = batches.flush();
  expect((await nth(sent, 1)).keys).toEqual(["young"]);
  sent[1]?.answer();
  await Promise.all([young, flushed]);
});

test("what is withdrawn is not written and gets the given result", async () => {
  const { sent, batches } = scripted({ gather: { ms: 60_000, rows: 2 } });
  const withdrawn = batches.submit(item("a"));
  batches.withdraw("a", "overtaken");
  batches.withdraw("unknown", "overtaken");
  expect(await withdrawn).toBe("overtaken");
  const rest = [batches.submit(item("b")), batches.submit(item("c"))];
  expect((await nth(sent, 0)).keys).toEqual(["b", "c"]);
  sent[0]?.answer();
  await Promise.all(rest);
});
