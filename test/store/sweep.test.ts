import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../gateway/src/store/store.ts";
import {
  acceptHeld,
  bringTo,
  holder,
  newOperation,
  openStoreFixture,
  settleBy,
  stateOf,
  windowMs,
  type StoreFixture,
} from "./store-fixture.ts";

let fixture: StoreFixture;
let store: Store;
beforeAll(async () => {
  fixture = await openStoreFixture();
  store = fixture.store;
});
beforeEach(async () => {
  await fixture.pool.query("delete from head");
});
afterAll(() => fixture.close());

async function makeDue(key: string): Promise<void> {
  await fixture.pool.query("update head set due_at = now() where key = $1", [key]);
}

test("an expired lease is taken under the next fence, and the old holder's writes change nothing", async () => {
  const { lease } = await acceptHeld(store);
  expect((await store.sweep(100)).taken).toEqual([]);
  await makeDue(lease.key);
  const swept = await fixture.another().sweep(100);
  expect(swept.taken).toMatchObject([{ lease: { key: lease.key, fence: 1 }, head: { fence: 1 } }]);
  expect(swept).toMatchObject({ purged: 0, full: false });
  expect((await store.sweep(100)).taken).toEqual([]);
  const before = await fixture.column(lease.key, "head");
  // The frozen one wakes.
  expect(await store.settle(settleBy(lease, holder(lease)))).toEqual({ kind: "stale" });
  expect(await store.noteStarted({ lease, handlerToken: "t", closeBy: null })).toEqual({
    kind: "stale",
  });
  expect(await fixture.column(lease.key, "head")).toBe(before);
});

test("rows come in the order they are due, at most as many as asked for, and full says go on", async () => {
  const leases = await Promise.all(
    Array.from({ length: 5 }, async () => (await acceptHeld(store)).lease),
  );
  for (const [at, { key }] of leases.entries())
    await fixture.pool.query(
      "update head set due_at = now() - interval '1 hour' + $2 * interval '1 minute' where key = $1",
      [key, at],
    );
  const fresh = fixture.another();
  const first = await fresh.sweep(3);
  expect(first.full).toBe(true);
  expect(first.taken.map(({ lease }) => lease.id).sort()).toEqual(
    leases
      .slice(0, 3)
      .map(({ id }) => id)
      .sort(),
  );
  const second = await fresh.sweep(3);
  expect(second).toMatchObject({ full: false });
  expect(second.taken).toHaveLength(2);
});

test("two gateways never take the same row", async () => {
  const leases = await Promise.all(
    Array.from({ length: 60 }, async () => (await acceptHeld(store)).lease),
  );
  await fixture.pool.query("update head set due_at = now()");
  const other = fixture.another();
  const swept = await Promise.all([store.sweep(100), other.sweep(100), store.sweep(100)]);
  const taken = swept.flatMap((one) => one.taken.map(({ lease }) => lease.id));
  expect(taken).toHaveLength(new Set(taken).size);
  expect(new Set(taken)).toEqual(new Set(leases.map(({ id }) => id)));
});

test("an ended row that owes nothing is purged after its window; its operation and outcome stay", async () => {
  const { lease } = await bringTo(store, "succeeded");
  expect((await store.sweep(100)).purged).toBe(0);
  await makeDue(lease.key);
  expect(await store.sweep(100)).toMatchObject({ purged: 1, taken: [] });
  expect(await store.head(lease.key)).toBeUndefined();
  expect(await store.summary(lease.id)).toMatchObject({
    head: null,
    outcome: { state: "succeeded" },
  });
  expect(await store.outcome(lease.id)).toBeDefined();
  const again = newOperation({ key: lease.key });
  expect(await store.accept(again)).toMatchObject({ kind: "created" });
});

test("an ended row that owes something is taken, never purged", async () => {
  const { lease } = await bringTo(store, "failed", { callbackUrl: "https://c.test/" });
  await makeDue(lease.key);
  const swept = await store.sweep(100);
  expect(swept).toMatchObject({ purged: 0, taken: [{ head: { state: "failed", owes: 1 } }] });
});

test("taking is the due event: what backs off is scheduled again, anything else keeps its state", async () => {
  for (const state of ["scheduled", "backing_off", "parked", "started"] as const) {
    const { lease } = await bringTo(store, state);
    await makeDue(lease.key);
    await store.sweep(100);
    expect(stateOf(await fixture.column(lease.key, "state"))).toBe(
      state === "backing_off" ? "scheduled" : state,
    );
  }
});

test("what became due long ago is found by the first sweep, by one after a full one, and between complete ones what is new", async () => {
  const fresh = fixture.another();
  const old = await acceptHeld(store);
  await fixture.pool.query("update head set due_at = now() - interval '1 day'");
  expect((await fresh.sweep(100)).taken).toMatchObject([{ lease: { id: old.lease.id } }]);
  const recent = await acceptHeld(store);
  await fixture.pool.query("update head set due_at = now() - interval '5 seconds' where key = $1", [
    recent.lease.key,
  ]);
  expect((await fresh.sweep(100)).taken).toMatchObject([{ lease: { id: recent.lease.id } }]);
});

test("counts say how much is due and since when", async () => {
  await fixture.pool.query("delete from head");
  expect(await store.counts()).toEqual({ due: 0, oldestDueMs: 0 });
  const { lease } = await acceptHeld(store);
  await fixture.pool.query(
    "update head set due_at = now() - interval '10 seconds' where key = $1",
    [lease.key],
  );
  const counts = await store.counts();
  expect(counts.due).toBe(1);
  expect(counts.oldestDueMs).toBeGreaterThanOrEqual(10_000);
  expect(windowMs).toBeGreaterThan(counts.oldestDueMs);
});
