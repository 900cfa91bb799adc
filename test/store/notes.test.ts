import { afterAll, beforeAll, expect, test } from "vitest";
import { owes, type Lease, type Store } from "../../gateway/src/store/store.ts";
import {
  acceptHeld,
  attempt,
  bringTo,
  holder,
  leaseMs,
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
afterAll(() => fixture.close());

const secondsUntilDue = "round(extract(epoch from due_at - now()))";
const callbackUrl = "https://caller.test/callback";

async function owed(given: { owesCancel?: boolean } = {}): Promise<Lease> {
  const { lease } = await acceptHeld(store, { callbackUrl });
  const settled = await store.settle(settleBy(lease, holder(lease), given));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("nothing is owed");
  return settled.lease;
}

test("started: due at the nearest deadline, which the row keeps", async () => {
  const { lease, operation } = await acceptHeld(store);
  const closeBy = (operation.closeBy ?? 0) - 60_000;
  const written = await store.noteStarted({ lease, handlerToken: "t", closeBy });
  expect(written).toEqual({ kind: "written", cancelPending: false, lease });
  expect(await store.head(lease.key)).toMatchObject({
    state: "started",
    handlerToken: "t",
    dueAt: closeBy,
    closeBy,
  });
  expect(await fixture.column(lease.key, "running")).toBe("true");
});

test("started meets the intent to cancel: the cancel is owed and the lease stays", async () => {
  const { lease } = await acceptHeld(store);
  expect(await store.askCancel(lease.key, lease.id)).toMatchObject({
    kind: "recorded",
    lease: null,
    head: { fence: 0, owes: 0 },
  });
  const written = await store.noteStarted({ lease, handlerToken: "t", closeBy: null });
  expect(written).toMatchObject({ kind: "written", cancelPending: true, lease: { fence: 0 } });
  expect(await store.head(lease.key)).toMatchObject({ owes: owes.cancel });
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe(String(leaseMs / 1_000));
});

test("cancel of a started row takes it over once; the repeat changes nothing", async () => {
  const { lease } = await bringTo(store, "started");
  expect(await store.askCancel(lease.key, lease.id)).toMatchObject({
    kind: "recorded",
    lease: { fence: 1 },
    head: { owes: owes.cancel },
  });
  const before = await fixture.column(lease.key, "head");
  expect(await store.askCancel(lease.key, lease.id)).toMatchObject({
    kind: "repeated",
    lease: null,
  });
  expect(await fixture.column(lease.key, "head")).toBe(before);
});

test("cancel of a waiting row lets a holder look at it; of an ended or unknown one nothing", async () => {
  for (const state of ["backing_off", "parked"] as const) {
    const { lease } = await bringTo(store, state);
    expect(await store.askCancel(lease.key, lease.id)).toMatchObject({
      kind: "recorded",
      lease: null,
    });
    expect(await fixture.column(lease.key, "due_at <= now()")).toBe("true");
  }
  const { lease } = await bringTo(store, "succeeded");
  expect(await store.askCancel(lease.key, lease.id)).toMatchObject({ kind: "terminal" });
  expect(await store.askCancel(lease.key, newOperation().id)).toMatchObject({ kind: "unknown" });
});

test("cancel acknowledged: the bit goes and the started row waits for its deadline", async () => {
  const { lease, operation } = await bringTo(store, "started");
  const asked = await store.askCancel(lease.key, lease.id);
  if (asked.lease === null) throw new Error("not taken");
  expect(await store.noteCancelDelivered(asked.lease, attempt(1, "cancel"), 5_000)).toBe("written");
  expect(await store.head(lease.key)).toMatchObject({ owes: owes.cancel });
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe("5");
  expect(await store.noteCancelDelivered(asked.lease, attempt(2, "cancel"), null)).toBe("written");
  expect(await store.head(lease.key)).toMatchObject({ owes: 0, dueAt: operation.closeBy });
  expect((await store.attempts(lease.id)).map(({ kind, n }) => [kind, n])).toEqual([
    ["cancel", 1],
    ["cancel", 2],
  ]);
});

test("retry: due after its delay but never after the deadline; parked: at the deadline", async () => {
  const backing = await bringTo(store, "backing_off");
  expect(await fixture.column(backing.lease.key, secondsUntilDue)).toBe("60");
  expect(await store.head(backing.lease.key)).toMatchObject({ attempt: 1, fence: 0 });
  const soon = await bringTo(store, "backing_off", { closeBy: Date.now() + 1_000 });
  expect(await store.head(soon.lease.key)).toMatchObject({ dueAt: soon.operation.closeBy });
  const parked = await bringTo(store, "parked");
  expect(await store.head(parked.lease.key)).toMatchObject({
    state: "parked",
    dueAt: parked.operation.closeBy,
  });
  expect(await store.attempts(parked.lease.id)).toMatchObject([
    { kind: "start", n: 1, status: 503, error: "unavailable" },
  ]);
});

test("redrive holds the row again, under a new fence", async () => {
  const { lease } = await bringTo(store, "parked");
  expect(await store.redrive(lease.key, lease.id)).toMatchObject({ fence: 1 });
  expect(await store.head(lease.key)).toMatchObject({ state: "scheduled", fence: 1 });
  expect(await store.redrive(lease.key, lease.id)).toBeNull();
});

test("delivered: the end of the window only when nothing is left", async () => {
  const plain = await owed();
  expect(await store.noteDelivered(plain)).toBe("written");
  expect(await fixture.column(plain.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
  const more = await owed({ owesCancel: true });
  const due = await fixture.column(more.key, "due_at");
  expect(await store.noteDelivered(more)).toBe("written");
  expect(await store.head(more.key)).toMatchObject({ owes: owes.cancel });
  expect(await fixture.column(more.key, "due_at")).toBe(due);
  expect(await store.noteCancelDelivered(more, attempt(1, "cancel"), null)).toBe("written");
  expect(await fixture.column(more.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
});

test("a note with an old fence, or with another id of the key, changes nothing", async () => {
  const open = await acceptHeld(store);
  const ended = await owed();
  const callback = { url: callbackUrl, headers: null, delayMs: 1, attempt: attempt(1, "callback") };
  for (const [lease, key] of [
    [open.lease, open.lease.key],
    [ended, ended.key],
  ] as const) {
    const before = await fixture.column(key, "head");
    for (const wrong of [
      { ...lease, fence: lease.fence + 1 },
      { ...lease, fence: lease.fence - 1 },
      { ...lease, id: newOperation().id },
    ]) {
      const retry = { lease: wrong, delayMs: 1, attempt: attempt(1), targetId: 4 };
      expect(
        await Promise.all([
          store.noteStarted({ lease: wrong, handlerToken: "t", closeBy: null }),
          store.noteRetry({ ...retry, state: "backing_off" }),
          store.noteRetry({ ...retry, state: "parked" }),
          store.noteDelivered(wrong),
          store.noteCancelDelivered(wrong, attempt(1, "cancel"), null),
          store.moveCallback(wrong, callback),
          store.armCallbacks(wrong),
          store.renew([wrong]),
          store.release(wrong, 0),
        ]),
      ).toEqual([
        { kind: "stale" },
        "stale",
        "stale",
        "stale",
        "stale",
        "stale",
        "stale",
        [null],
        undefined,
      ]);
    }
    expect(await fixture.column(key, "head")).toBe(before);
    expect(await store.attempts(lease.id)).toEqual([]);
  }
});

test("renew extends what is still held; release gives back", async () => {
  const { lease } = await acceptHeld(store);
  const stale = { ...lease, fence: 1 };
  const renewed = await store.renew([stale, lease]);
  expect(renewed[0]).toBeNull();
  expect(renewed[1]?.endsAt).toBeGreaterThan(lease.endsAt);
  await store.release(lease, 40_000);
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe("40");
  await store.release(lease, 0);
  expect(await fixture.column(lease.key, "due_at <= now()")).toBe("true");
});

test("ended rows that owe nothing are nobody's: release and renew leave their window alone", async () => {
  const { lease } = await bringTo(store, "succeeded");
  const ended = { ...lease, fence: 1 };
  await store.release(ended, 0);
  expect(await store.renew([ended])).toEqual([null]);
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
});
