import { afterEach, beforeEach, expect, test } from "vitest";
import { Pool } from "pg";
import { migrate } from "../../registry/src/migrate.ts";
import {
  dropExpiredPartitions,
  ensurePartitions,
  partitionDaysAhead,
} from "../../registry/src/partitions.ts";
import { createEmptyDatabase, type TestDatabase } from "../harness/postgres.ts";

let database: TestDatabase;
let pool: Pool;

const day = 86_400_000;
const now = Date.parse("2030-03-10T12:00:00Z");
const key = "11111111-1111-4111-8111-111111111111";

beforeEach(async () => {
  database = await createEmptyDatabase();
  await migrate(database.url);
  pool = new Pool({ connectionString: database.url, max: 8 });
  // end() resolves before its sockets are closed, and the drop of the database ends them.
  pool.on("error", () => undefined);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

/** A UUIDv7 of that moment. */
function idAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

async function partitionsOf(table: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1",
    [table],
  );
  return rows.map((row) => row.name);
}

async function insertAttempt(ms: number): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    "insert into attempt (id, key, kind, n, at, ms) values ($1, $2, 1, 1, now(), 1) returning tableoid::regclass::text as name",
    [idAt(ms), key],
  );
  return rows[0]?.name ?? "";
}

async function insertHead(ms: number, state: number, owes: number): Promise<void> {
  await pool.query(
    `insert into head (key, id, caller_ns, owner_ns, endpoint_id, input_hash, state, owes, due_at, close_by, window_ms)
     values ($1, $2, 1, 1, 1, $1, $3, $4, now(), now(), 0)`,
    [key, idAt(ms), state, owes],
  );
}

test("partitions of the days ahead are made once, also by gateways at the same time", async () => {
  expect(await partitionDaysAhead(pool, now)).toBe(-1);
  await Promise.all([1, 2, 3].map(() => ensurePartitions(pool, { now })));
  for (const table of ["operation", "outcome", "attempt"])
    expect(await partitionsOf(table)).toHaveLength(9);
  expect(await partitionDaysAhead(pool, now)).toBe(7);
  expect(await partitionDaysAhead(pool, now + 6 * day)).toBe(1);
  expect(await ensurePartitions(pool, { now })).toBe(0);
});

test("an id lies in its day's partition, to the millisecond", async () => {
  await ensurePartitions(pool, { now });
  const midnight = Date.parse("2030-03-11T00:00:00Z");
  expect(await insertAttempt(midnight - 1)).toBe("attempt_20300310");
  expect(await insertAttempt(midnight)).toBe("attempt_20300311");
});

test("expired partitions are dropped, the retention's are kept", async () => {
  await ensurePartitions(pool, { now, daysAhead: 2 });
  const { dropped, kept } = await dropExpiredPartitions(pool, {
    now: now + 2 * day,
    retentionDays: 2,
  });
  expect(kept).toEqual([]);
  expect([...dropped].sort()).toEqual([
    "attempt_20300309",
    "operation_20300309",
    "outcome_20300309",
  ]);
  expect(await partitionsOf("operation")).toEqual([
    "operation_20300310",
    "operation_20300311",
    "operation_20300312",
  ]);
});

const holders: [string, () => Promise<unknown>][] = [
  ["runs", () => insertHead(now, 1, 0)],
  ["owes a callback", () => insertHead(now, 4, 1)],
  ["ended after the retention, and its request id is remembered", () => insertHead(now, 4, 0)],
  [
    "has an open callback",
    () =>
      pool.query(
        "insert into callback (key, id, url_hash, url, state, due_at, caller_ns) values ($1, $2, $1, 'http://x', 1, now(), 1)",
        [key, idAt(now)],
      ),
  ],
];
test.each(holders)("a partition is kept while an operation of its day %s", async (_, hold) => {
  await ensurePartitions(pool, { now, daysAhead: 0 });
  await hold();
  const expired = { now: now + 30 * day, retentionDays: 7 };
  const held = await dropExpiredPartitions(pool, expired);
  expect([...held.kept].sort()).toEqual([
    "attempt_20300310",
    "operation_20300310",
    "outcome_20300310",
  ]);
  await pool.query("delete from head");
  await pool.query("delete from callback");
  expect((await dropExpiredPartitions(pool, expired)).kept).toEqual([]);
  expect(await partitionsOf("operation")).toEqual([]);
});

test("parked and delivered callbacks go with their operation's day, in batches, and those of kept days stay", async () => {
  await ensurePartitions(pool, { now, daysAhead: 1 });
  const insert = (from: number, state: number, count: number) =>
    pool.query(
      `insert into callback (key, id, url_hash, url, state, due_at, caller_ns)
       select $1, $2, md5(n::text)::uuid, 'http://x', $3, 'infinity', 1 from generate_series(1, $4::int) n`,
      [key, idAt(from), state, count],
    );
  const left = async () =>
    (
      await pool.query<{ id: string; state: number; n: number }>(
        "select id, state, count(*)::int as n from callback group by 1, 2 order by 1, 2",
      )
    ).rows;
  await insert(now - day, 3, 1);
  await insertHead(now - day, 1, 0);
  await insert(now, 3, 5);
  await insert(now + 1, 2, 2);
  await insert(now + day, 3, 4);
  const expired = { now: now + 3 * day, retentionDays: 2, batch: 3 };
  const first = await dropExpiredPartitions(pool, expired);
  expect(first.kept).toHaveLength(3);
  expect(first.callbacks).toBe(7);
  expect(await left()).toEqual([
    { id: idAt(now - day), state: 3, n: 1 },
    { id: idAt(now + day), state: 3, n: 4 },
  ]);
  await pool.query("delete from head");
  expect(await dropExpiredPartitions(pool, expired)).toMatchObject({ kept: [], callbacks: 1 });
  expect(await left()).toEqual([{ id: idAt(now + day), state: 3, n: 4 }]);
});

test("a callback that is being redelivered is neither waited for nor deleted, and keeps its day", async () => {
  await ensurePartitions(pool, { now, daysAhead: 0 });
  await pool.query(
    `insert into callback (key, id, url_hash, url, state, due_at, caller_ns)
     values ($1, $2, $1, 'http://x', 3, 'infinity', 1)`,
    [key, idAt(now)],
  );
  const expired = { now: now + 30 * day, retentionDays: 7 };
  const redelivering = await pool.connect();
  try {
    await redelivering.query("begin");
    await redelivering.query("update callback set state = 1, due_at = now()");
    const { kept, callbacks } = await dropExpiredPartitions(pool, expired);
    expect(kept).toContain("operation_20300310");
    expect(callbacks).toBe(0);
    await redelivering.query("commit");
  } finally {
    redelivering.release();
  }
  expect((await dropExpiredPartitions(pool, expired)).kept).toHaveLength(3);
  expect((await pool.query("select state from callback")).rows).toEqual([{ state: 1 }]);
});

test("a partition that was detached and not dropped is dropped later", async () => {
  await ensurePartitions(pool, { now, daysAhead: 0 });
  await pool.query("alter table outcome detach partition outcome_20300310");
  await dropExpiredPartitions(pool, { now: now + 30 * day, retentionDays: 7 });
  const { rows } = await pool.query("select to_regclass('outcome_20300310') as found");
  expect(rows).toEqual([{ found: null }]);
});

test("a drop that a long reader cut short is completed later", async () => {
  await ensurePartitions(pool, { now, daysAhead: 0 });
  const expired = { now: now + 30 * day, retentionDays: 7 };
  const reader = await pool.connect();
  try {
    await reader.query("begin");
    await reader.query("select count(*) from operation");
    await expect(dropExpiredPartitions(pool, expired)).rejects.toThrow(/lock timeout/);
    await reader.query("commit");
  } finally {
    reader.release();
  }
  await dropExpiredPartitions(pool, expired);
  const { rows } = await pool.query("select relname from pg_class where relname ~ '_2030\\d{4}$'");
  expect(rows).toEqual([]);
});
