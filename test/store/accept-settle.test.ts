import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owes } from "../../gateway/src/store/store.ts";
import { waitFor } from "../harness/wait-for.ts";
import {
  acceptHeld,
  anyone,
  bringTo,
  holder,
  leaseMs,
  newOperation,
  newOutcome,
  openStoreFixture,
  settleBy,
  windowMs,
  type StoreFixture,
} from "./store-fixture.ts";

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

const secondsUntilDue = "round(extract(epoch from due_at - now()))";

test("an accepted operation is read back byte for byte, and held until the lease's end", async () => {
  const { store } = fixture;
  const operation = newOperation({
    callbackUrl: "https://caller.test/cb",
    callbackHeaders: Buffer.from("sealed"),
    startBy: 1_900_000_000_123,
    startToCloseMs: 7_000_000_000,
    closeBy: null,
    redriveOf: randomUUID(),
  });
  const before = performance.now();
  const accepted = await store.accept(operation);
  if (accepted.kind !== "created") throw new Error("not created");
  expect(accepted.lease).toMatchObject({ key: operation.key, id: operation.id, fence: 0 });
  expect(accepted.lease?.endsAt).toBeGreaterThanOrEqual(before + leaseMs);
  expect(accepted.lease?.endsAt).toBeLessThanOrEqual(performance.now() + leaseMs);
  const row = await store.operation(operation.id);
  expect(operation).toMatchObject(row ?? {});
  expect(Object.keys(row ?? {})).toHaveLength(20);
  expect(await store.head(operation.key)).toMatchObject({
    id: operation.id,
    inputHash: operation.inputHash,
    state: "scheduled",
    closeBy: null,
    owes: owes.callback,
    fence: 0,
    attempt: 0,
    targetId: 4,
  });
});

test("a known key gives the row that is there, also twice in one batch", async () => {
  const { store } = fixture;
  const first = newOperation();
  const twin = newOperation({ key: first.key });
  const [a, b] = await Promise.all([store.accept(first), store.accept(twin)]);
  const created = a.kind === "created" ? first : twin;
  expect([a.kind, b.kind].sort()).toEqual(["created", "known"]);
  const known = a.kind === "known" ? a : b;
  expect(known.kind === "known" && known.head.id).toBe(created.id);
  expect(await fixture.count("from operation where key = $1", [first.key])).toBe(1);
  const later = await store.accept(newOperation({ key: first.key }));
  expect(later).toMatchObject({ kind: "known", head: { id: created.id, state: "scheduled" } });
});

test("a pass-through's 201 is a started row that nobody holds, due at its deadline", async () => {
  const operation = newOperation({ initial: { kind: "started", handlerToken: "h" } });
  expect(await fixture.store.accept(operation)).toMatchObject({ kind: "created", lease: null });
  expect(await fixture.store.head(operation.key)).toMatchObject({
    state: "started",
    handlerToken: "h",
    dueAt: operation.closeBy,
  });
  expect(await fixture.column(operation.key, "running")).toBe("true");
});

test("a completion that finds no row makes it, terminal, and remembered until its token ends", async () => {
  const outcome = newOutcome("succeeded", { handlerToken: "h", attempts: Buffer.from("[]") });
  const closeBy = Date.now() + 30 * 86_400_000;
  const operation = newOperation({ closeBy, initial: { kind: "settled", outcome } });
  expect(await fixture.store.accept(operation)).toMatchObject({ kind: "created", lease: null });
  expect(await fixture.store.outcome(operation.id)).toMatchObject(outcome);
  expect(await fixture.store.head(operation.key)).toMatchObject({
    state: "succeeded",
    dueAt: closeBy,
    handlerToken: "h",
    owes: 0,
  });
});

test("a started pass-through that settles is remembered until its token ends as well", async () => {
  const closeBy = Date.now() + 30 * 86_400_000;
  const operation = newOperation({ closeBy, initial: { kind: "started", handlerToken: "h" } });
  await fixture.store.accept(operation);
  await fixture.store.settle(settleBy(operation, anyone));
  expect(await fixture.store.head(operation.key)).toMatchObject({ dueAt: closeBy });
});

test("settle writes state, outcome and what is owed together; a lease that is still long is kept", async () => {
  const { store } = fixture;
  const { operation, lease } = await acceptHeld(store, { callbackUrl: "https://c.test/" });
  const due = await fixture.column(operation.key, "due_at");
  const outcome = newOutcome("failed", { handlerToken: "h" });
  const settled = await store.settle(settleBy(lease, holder(lease), { outcome }));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("no lease");
  expect(settled).toMatchObject({ owes: owes.callback, head: { state: "failed", fence: 1 } });
  expect(settled.lease.fence).toBe(1);
  expect(settled.lease.endsAt).toBeLessThanOrEqual(performance.now() + leaseMs);
  expect(await fixture.column(operation.key, "due_at")).toBe(due);
  expect(await store.outcome(operation.id)).toMatchObject(outcome);
});

test("a lease with little left is renewed by the settle that owes something", async () => {
  const { store } = fixture;
  const { lease } = await bringTo(store, "started", { callbackUrl: "https://c.test/" });
  const settled = await store.settle(settleBy(lease, anyone));
  expect(settled).toMatchObject({ kind: "settled", owes: owes.callback, lease: { fence: 1 } });
  expect(await fixture.column(lease.key, secondsUntilDue)).toBe(String(leaseMs / 1_000));
  expect(await fixture.column(lease.key, "running")).toBe("false");
});

test("nothing owed: nobody holds the row, and it is due at the end of its window", async () => {
  const { store } = fixture;
  const plain = await acceptHeld(store);
  expect(await store.settle(settleBy(plain.lease, holder(plain.lease)))).toMatchObject({
    kind: "settled",
    owes: 0,
    lease: null,
  });
  expect(await fixture.column(plain.lease.key, secondsUntilDue)).toBe(String(windowMs / 1_000));
  const inline = await acceptHeld(store, { callbackUrl: "https://c.test/" });
  expect(
    await store.settle(settleBy(inline.lease, holder(inline.lease), { takenInline: true })),
  ).toMatchObject({ kind: "settled", owes: 0, lease: null });
});

test("a terminated operation owes its handler a cancel", async () => {
  const { lease } = await bringTo(fixture.store, "started");
  const outcome = newOutcome("terminated");
  expect(
    await fixture.store.settle(settleBy(lease, anyone, { outcome, owesCancel: true })),
  ).toMatchObject({ kind: "settled", owes: owes.cancel, lease: { fence: 1 } });
});

test("the first terminal state wins, and a repeat learns the first one's digest", async () => {
  const { store } = fixture;
  const { lease } = await acceptHeld(store);
  const first = newOutcome();
  const both = await Promise.all([
    store.settle(settleBy(lease, anyone, { outcome: first })),
    store.settle(settleBy(lease, anyone, { outcome: newOutcome("failed") })),
  ]);
  expect(both.map(({ kind }) => kind)).toEqual(["settled", "already"]);
  expect(both[1]).toMatchObject({ digest: first.digest, head: { state: "succeeded" } });
  expect(await store.settle(settleBy(lease, holder(lease)))).toMatchObject({ kind: "already" });
  expect(await fixture.count("from outcome where id = $1", [lease.id])).toBe(1);
});

test("guards: an old fence is stale, another id of the key is unknown, and neither changes the row", async () => {
  const { store } = fixture;
  const { lease } = await acceptHeld(store);
  const before = await fixture.column(lease.key, "head");
  expect(await store.settle(settleBy(lease, { kind: "holder", fence: 7 }))).toEqual({
    kind: "stale",
  });
  const other = { key: lease.key, id: newOperation().id };
  expect(await store.settle(settleBy(other, anyone))).toEqual({ kind: "unknown" });
  expect(await store.settle(settleBy(other, { kind: "holder", fence: 0 }))).toEqual({
    kind: "unknown",
  });
  expect(await store.settle(settleBy(newOperation(), anyone))).toEqual({ kind: "unknown" });
  expect(await fixture.column(lease.key, "head")).toBe(before);
});

test("a started note that its own completion overtakes is not written; after an end by hand it is found stale", async () => {
  const { store } = fixture;
  const ends = [
    { outcome: newOutcome(), kind: "overtaken" },
    // Whoever terminated it had no token to cancel by: the note's holder has one.
    { outcome: newOutcome("terminated"), kind: "stale" },
  ];
  for (const { outcome, kind } of ends) {
    const { lease } = await acceptHeld(store, { callbackUrl: "https://c.test/" });
    const note = store.noteStarted({ lease, handlerToken: "t", closeBy: null });
    await store.settle(settleBy(lease, anyone, { outcome }));
    expect(await note).toEqual({ kind });
    expect(await store.head(lease.key)).toMatchObject({
      state: outcome.state,
      handlerToken: null,
    });
  }
});

test("a started note that is overtaken by another gateway's settle is stale", async () => {
  const { store } = fixture;
  const { lease } = await acceptHeld(store, { callbackUrl: "https://c.test/" });
  await fixture.another().settle(settleBy(lease, anyone));
  expect(await store.noteStarted({ lease, handlerToken: "t", closeBy: null })).toEqual({
    kind: "stale",
  });
});

test("operations with the rare columns and without share a batch and keep what they hold", async () => {
  const { store } = fixture;
  const labeled = newOperation({ labels: { team: "data" }, startToCloseMs: 5_000 });
  const plain = newOperation();
  await Promise.all([store.accept(labeled), store.accept(plain)]);
  expect(await store.operation(labeled.id)).toMatchObject({
    labels: { team: "data" },
    startToCloseMs: 5_000,
  });
  expect(await store.operation(plain.id)).toMatchObject({ labels: null, startToCloseMs: null });
});

test("a settle that waited for others' locks judges each row as it is then, and keeps its own outcomes apart", async () => {
  const { store, pool } = fixture;
  const callbackUrl = "https://caller.test/cb";
  const [first, attached, taken] = [
    await acceptHeld(store, { callbackUrl }),
    await acceptHeld(store, { callbackUrl }),
    await acceptHeld(store, { callbackUrl }),
  ];
  const change = await pool.connect();
  await change.query("begin");
  await change.query("update head set owes = owes | $2 where key = $1", [
    attached.lease.key,
    owes.furtherCallbacks,
  ]);
  await change.query("update head set fence = fence + 1 where key = $1", [taken.lease.key]);
  const settling = Promise.all(
    [first, attached, taken].map(({ lease }) =>
      store.settle(
        settleBy(lease, holder(lease), {
          outcome: newOutcome("succeeded", { result: Buffer.from(lease.id) }),
          takenInline: true,
        }),
      ),
    ),
  );
  await waitFor("the settle to wait", async () => {
    const waiting = await fixture.count(
      "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return waiting > 0;
  });
  await change.query("commit");
  change.release();
  expect(await settling).toMatchObject([
    { kind: "settled", owes: 0, lease: null },
    { kind: "settled", owes: owes.callback | owes.furtherCallbacks },
    { kind: "stale" },
  ]);
  expect((await store.outcome(first.lease.id))?.result).toEqual(Buffer.from(first.lease.id));
  expect((await store.outcome(attached.lease.id))?.result).toEqual(Buffer.from(attached.lease.id));
  expect(await store.outcome(taken.lease.id)).toBeUndefined();
});
