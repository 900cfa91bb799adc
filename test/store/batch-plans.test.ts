import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { uuidV7 } from "../../gateway/src/store/uuid-v7.ts";
import {
  anyone,
  attempt,
  holder,
  openStoreFixture,
  settleBy,
  type StoreFixture,
} from "./store-fixture.ts";

/** The one connection of the batches, which has their plans. */
let batches: Pool;
let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture({
    pool: { max: 1 },
    around: (pool, of) => {
      if (of === "batches") batches = pool;
    },
  });
});
afterAll(() => fixture.close());

test("a batch looks its heads up by key, also by a plan that was made while there were none", async () => {
  await fixture.pool.query("vacuum analyze head");
  await writeOneOfEach();
  const { rows: statements } = await batches.query<{ name: string; parameters: number }>(
    `select name, cardinality(parameter_types) as parameters from pg_prepared_statements
     where statement like '%head.key%' order by name`,
  );
  expect(statements.map(({ name }) => name)).toEqual([
    "heartbeat",
    "move-callback",
    "note-cancel-delivered",
    "note-delivered",
    "note-retry",
    "note-started",
    "put-down",
    "release",
    "settle",
    "settle-all",
  ]);
  for (const { name, parameters } of statements) {
    const nulls = Array.from({ length: parameters }, () => "null").join(", ");
    const { rows } = await batches.query<{ "QUERY PLAN": string }>(
      `explain (costs off) execute "${name}"(${nulls})`,
    );
    const plan = rows.map((row) => row["QUERY PLAN"]);
    const scans = plan.flatMap((line, at) => (/ on head\b/.test(line) ? [at] : []));
    const reads = scans.filter((at) => !/Update on head/.test(plan[at] ?? ""));
    expect(reads.length, name).toBeGreaterThan(0);
    for (const at of reads)
      expect(plan[at + 1], `${name}: ${plan.join("\n")}`).toMatch(/Index Cond: \(key = ANY/);
  }
});

async function writeOneOfEach(): Promise<void> {
  const { store } = fixture;
  const lease = { key: randomUUID(), id: uuidV7(Date.now()), fence: 0, endsAt: 0 };
  await store.settle(settleBy(lease, anyone));
  await store.settle(settleBy(lease, holder(lease)));
  await Promise.all([
    store.noteStarted({ lease, handlerToken: "t", closeBy: null }),
    store.noteRetry({ lease, state: "parked", delayMs: 0, attempt: attempt(1), targetId: null }),
    store.noteDelivered(lease),
    store.moveCallback(lease, {
      url: "https://caller.test/callback",
      headers: null,
      delayMs: 0,
      attempt: attempt(1, "callback"),
    }),
    store.noteCancelDelivered(lease, attempt(1, "cancel"), null),
    store.release(lease, 0),
    store.heartbeat({ lease, leaseMs: 1, progress: null }),
    store.putDown({
      lease,
      queueId: 1,
      priority: 3,
      closeBy: null,
      how: { kind: "released", startBy: null },
    }),
  ]);
}
