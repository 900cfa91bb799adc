import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { owes, type Lease, type Store } from "../../gateway/src/store/store.ts";
import {
  acceptHeld,
  anyone,
  attempt,
  bringTo,
  holder,
  newOperation,
  openStoreFixture,
  settleBy,
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
  await fixture.pool.query("delete from callback");
});
afterAll(() => fixture.close());

const callbackUrl = "https://caller.test/own";
const other = "https://other.test/callback?secret=1";
const all = { namespaceId: null, states: [] };
const secondsUntilDue = "round(extract(epoch from due_at - now()))";

async function owed(given: { callbackUrl: string | null } = { callbackUrl }): Promise<Lease> {
  const { lease } = await acceptHeld(store, given);
  const settled = await store.settle(settleBy(lease, holder(lease)));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("nothing is owed");
  return settled.lease;
}

async function moved(): Promise<Lease> {
  const lease = await owed();
  await store.moveCallback(lease, {
    url: callbackUrl,
    headers: Buffer.from("sealed"),
    delayMs: 0,
    attempt: attempt(1, "callback"),
  });
  return lease;
}

test("an attached callback waits for the end, then is armed by the holder", async () => {
  const { lease } = await bringTo(store, "started", { callbackUrl });
  expect(await store.attach(lease.key, lease.id, other, Buffer.from("sealed"))).toBe("attached");
  expect(await store.attach(lease.key, lease.id, other, Buffer.from("sealed"))).toBe("attached");
  expect((await store.callbacks(all, 10, null)).items).toMatchObject([
    { id: lease.id, url: other, state: "waiting", attempt: 0, headers: Buffer.from("sealed") },
  ]);
  expect(await store.sweepCallbacks(10)).toEqual([]);
  const settled = await store.settle(settleBy(lease, anyone));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("nothing is owed");
  expect(settled.owes).toBe(owes.callback | owes.furtherCallbacks);
  expect(await store.armCallbacks(settled.lease)).toBe("written");
  expect(await store.head(lease.key)).toMatchObject({ owes: owes.callback });
  const [row] = await store.sweepCallbacks(10);
  expect(row).toMatchObject({ id: lease.id, url: other, state: "due", fence: 1 });
  expect(await store.sweepCallbacks(10)).toEqual([]);
});

test("arming the last thing owed lets the row wait for the end of its window", async () => {
  const { lease } = await bringTo(store, "started");
  await store.attach(lease.key, lease.id, other, null);
  const settled = await store.settle(settleBy(lease, anyone));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("nothing is owed");
  await store.armCallbacks(settled.lease);
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
});

test("attach to an ended operation writes nothing, to an unknown one neither", async () => {
  const { lease } = await bringTo(store, "succeeded");
  expect(await store.attach(lease.key, lease.id, other, null)).toBe("terminal");
  expect(await store.attach(lease.key, newOperation().id, other, null)).toBe("unknown");
  expect(await fixture.count("from callback")).toBe(0);
  expect(await store.head(lease.key)).toMatchObject({ owes: 0 });
});

test("the own URL once more adds no row, and no inline waiter takes the callback away any more", async () => {
  const { lease } = await acceptHeld(store, { callbackUrl });
  expect(await store.attach(lease.key, lease.id, callbackUrl, null)).toBe("attached");
  expect(await fixture.count("from callback")).toBe(0);
  expect(await store.settle(settleBy(lease, holder(lease), { takenInline: true }))).toMatchObject({
    owes: owes.callback | owes.furtherCallbacks,
  });
});

test("attach and settle at once: attached means owed, terminal means nothing was written", async () => {
  const another = fixture.another();
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      const { lease } = await acceptHeld(store);
      const [attached, settled] = await Promise.all([
        another.attach(lease.key, lease.id, other, null),
        store.settle(settleBy(lease, anyone)),
      ]);
      const rows = await fixture.count("from callback where id = $1", [lease.id]);
      const owed = settled.kind === "settled" ? settled.owes : -1;
      expect([attached, owed, rows]).toEqual(
        attached === "attached" ? ["attached", owes.furtherCallbacks, 1] : ["terminal", 0, 0],
      );
    }),
  );
});

test("the first failed delivery moves the callback, and its head waits for the end of its window", async () => {
  const lease = await moved();
  expect(await store.head(lease.key)).toMatchObject({ owes: 0 });
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
  expect((await store.attempts(lease.id)).map(({ kind, n }) => [kind, n])).toEqual([
    ["callback", 1],
  ]);
  const [row] = await store.sweepCallbacks(10);
  expect(row).toMatchObject({
    url: callbackUrl,
    attempt: 1,
    lastStatus: 503,
    headers: Buffer.from("sealed"),
  });
});

test("a moved callback is retried, parked, redelivered and delivered under its own fence", async () => {
  const lease = await moved();
  const [first] = await store.sweepCallbacks(10);
  if (first === undefined) throw new Error("not due");
  const stale = { ...first, fence: first.fence - 1 };
  expect(await store.noteCallback(stale, { kind: "delivered" })).toBe("stale");
  expect(
    await store.noteCallback(first, {
      kind: "retry",
      delayMs: 60_000,
      attempt: attempt(2, "callback"),
    }),
  ).toBe("written");
  expect(await store.sweepCallbacks(10)).toEqual([]);
  expect(await store.callback(first.callbackId)).toMatchObject({ state: "due", attempt: 2 });
  expect(await store.redeliver(first.callbackId)).toBe(true);
  const [second] = await store.sweepCallbacks(10);
  if (second === undefined) throw new Error("not due");
  expect(await store.noteCallback(first, { kind: "delivered" })).toBe("stale");
  await store.noteCallback(second, { kind: "parked", attempt: attempt(3, "callback") });
  expect(await store.callback(first.callbackId)).toMatchObject({ state: "parked", attempt: 3 });
  expect(await store.redeliver(first.callbackId)).toBe(true);
  const [third] = await store.sweepCallbacks(10);
  if (third === undefined) throw new Error("not due");
  expect(await store.noteCallback(third, { kind: "delivered" })).toBe("written");
  expect(await store.callback(first.callbackId)).toMatchObject({ state: "delivered" });
  expect((await store.attempts(lease.id)).map(({ n }) => n)).toEqual([1, 2, 3]);
});

test("an own callback that was delivered is redelivered as a row of its own", async () => {
  const first = await moved();
  const id = (await store.callbacks(all, 10, null)).items[0]?.callbackId.split(".")[1] ?? "";
  const lease = await owed();
  await store.noteDelivered(lease);
  expect(await store.redeliver(`${lease.id}.${id}`)).toBe(true);
  const due = await store.sweepCallbacks(10);
  expect(due.map((row) => row.id).sort()).toEqual([first.id, lease.id].sort());
  const running = await acceptHeld(store, { callbackUrl });
  expect(await store.redeliver(`${running.lease.id}.${id}`)).toBe(false);
  expect(await store.redeliver("nonsense")).toBe(false);
  expect(await store.redeliver(`${newOperation().id}.${id}`)).toBe(false);
});

test("callbacks are listed newest first, by namespace and state, with a cursor", async () => {
  const leases: Lease[] = [];
  for (let n = 0; n < 5; n += 1) leases.push(await moved());
  await fixture.pool.query("update callback set caller_ns = 9 where id = $1", [leases[0]?.id]);
  const first = await store.callbacks({ namespaceId: 1, states: ["due"] }, 3, null);
  expect(first.items.map(({ id }) => id)).toEqual([leases[4]?.id, leases[3]?.id, leases[2]?.id]);
  const second = await store.callbacks({ namespaceId: 1, states: ["due"] }, 3, first.next);
  expect(second).toMatchObject({ items: [{ id: leases[1]?.id }], next: null });
  expect((await store.callbacks({ namespaceId: 1, states: ["parked"] }, 3, null)).items).toEqual(
    [],
  );
  expect((await store.callbacks(all, 10, null)).items).toHaveLength(5);
});
