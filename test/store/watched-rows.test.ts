import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lease, Store } from "../../gateway/src/store/store.ts";
import { VersionTable } from "../../gateway/src/store/version-table.ts";
import type { HeadVersion, OperationSnapshot } from "../../gateway/src/store/watched.ts";
import {
  acceptHeld,
  anyone,
  attempt,
  bringTo,
  newOperation,
  newOutcome,
  openStoreFixture,
  settleBy,
  type StoreFixture,
} from "./store-fixture.ts";

let fixture: StoreFixture;
let store: Store;
beforeAll(async () => {
  fixture = await openStoreFixture();
  store = fixture.store;
});
afterAll(() => fixture.close());

const all = { starts: 0, cancels: 0 };

async function snapshot(
  { key, id }: Pick<Lease, "key" | "id">,
  known: typeof all | null = all,
): Promise<OperationSnapshot | undefined> {
  return (await store.snapshots([{ key, id, known }]))[0];
}

function versionOf(given: OperationSnapshot | undefined): HeadVersion {
  if (given?.version === null || given === undefined) throw new Error("there is no head");
  return given.version;
}

test("a version is outdated once its row was written or purged, though its place is taken by another, and not before", async () => {
  const table = new VersionTable<string>();
  const leases = await Promise.all(
    Array.from({ length: 20 }, async () => (await acceptHeld(store)).lease),
  );
  for (const lease of leases) table.set(lease.id, versionOf(await snapshot(lease)));
  expect(await store.outdated(table.arrays())).toEqual([]);
  const [settled, renewed, purged] = leases;
  if (settled === undefined || renewed === undefined || purged === undefined)
    throw new Error("20 were made");
  await store.settle(settleBy(settled, anyone));
  await store.renew([renewed]);
  await fixture.pool.query("delete from head where key = $1", [purged.key]);
  await fixture.pool.query("vacuum head");
  await Promise.all(Array.from({ length: 20 }, () => acceptHeld(store)));
  const owners = table.owners();
  const outdated = (await store.outdated(table.arrays())).map((at) => owners[at]);
  expect(outdated.sort()).toEqual([settled.id, renewed.id, purged.id].sort());
});

test("the table holds what was set last and not deleted, as Postgres reads it", async () => {
  const version = fc.record({
    block: fc.nat({ max: 2 ** 32 - 2 }),
    offset: fc.integer({ min: 1, max: 2 ** 16 - 1 }),
    xid: fc.nat({ max: 2 ** 32 - 1 }),
  });
  const step = fc.tuple(fc.nat({ max: 30 }), fc.option(version));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const table = new VersionTable<number>();
      const expected = new Map<number, string>();
      for (const [owner, set] of steps) {
        if (set === null) {
          table.delete(owner);
          expected.delete(owner);
        } else {
          table.set(owner, set);
          expected.set(owner, `(${set.block},${set.offset}) ${set.xid}`);
        }
      }
      const { tids, xids } = table.arrays();
      const { rows } = await fixture.pool.query<{ version: string }>(
        "select ctid::text || ' ' || xid::text as version from unnest($1::tid[], $2::xid[]) as r(ctid, xid)",
        [tids, xids],
      );
      const owners = table.owners();
      expect(new Map(rows.map((row, at) => [owners[at], row.version]))).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("a snapshot has the attempts that are not known and the last one that is, and how it ended", async () => {
  const { lease } = await bringTo(store, "backing_off");
  await store.addAttempts(lease.key, lease.id, [
    attempt(2),
    attempt(3),
    { ...attempt(1), kind: "cancel" },
    { ...attempt(2), kind: "cancel" },
    { ...attempt(1), kind: "callback" },
  ]);
  const numbers = async (known: typeof all): Promise<string[] | undefined> =>
    (await snapshot(lease, known))?.attempts.map(({ kind, n }) => `${kind} ${n}`).sort();
  const cancels = ["cancel 1", "cancel 2"];
  expect(await numbers(all)).toEqual([...cancels, "start 1", "start 2", "start 3"]);
  expect(await numbers({ starts: 2, cancels: 1 })).toEqual(["cancel 2", "start 2", "start 3"]);

  const outcome = newOutcome("failed");
  await store.settle(settleBy(lease, anyone, { outcome }));
  const ended = await snapshot(lease);
  expect(ended).toMatchObject({ state: "failed", dueAt: null, failure: outcome.failure });
  const { closedAt } = ended ?? {};
  expect(closedAt).toBe((await store.outcome(lease.id))?.closedAt);
  // Only its state is wanted.
  expect(await snapshot(lease, null)).toMatchObject({
    state: "failed",
    failure: null,
    attempts: [],
  });
  // Purged, it ended as it did; with its partition it is forgotten.
  await fixture.pool.query("delete from head where key = $1", [lease.key]);
  for (const known of [all, null]) {
    const purged = await snapshot(lease, known);
    expect(purged).toMatchObject({ state: "failed", version: null, attempt: null, closedAt });
  }
  expect(await snapshot(newOperation())).toBeUndefined();
});
