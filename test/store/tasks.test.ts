import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../gateway/src/clock.ts";
import { owes, type Lease, type NewOperation, type Store } from "../../gateway/src/store/store.ts";
import type { Claimed, ClaimedTask, PutDown } from "../../gateway/src/store/task.ts";
import { waitFor } from "../harness/wait-for.ts";
import {
  anyone,
  attempt,
  holder,
  newOperation,
  newOutcome,
  openStoreFixture,
  settleBy,
  type StoreFixture,
} from "./store-fixture.ts";

let fixture: StoreFixture;
let store: Store;
let other: Store;
beforeAll(async () => {
  fixture = await openStoreFixture();
  store = fixture.store;
  other = fixture.another();
});
beforeEach(async () => {
  await fixture.pool.query("truncate head, task, operation, outcome, attempt");
});
afterAll(() => fixture.close());

const queueId = 7;
const workerLeaseMs = 30_000;
const secondsUntilDue = "round(extract(epoch from due_at - now()))";
const lost: PutDown = { kind: "lost", delayMs: null, parked: false, attempt: attempt(1) };

async function put(given: Partial<NewOperation> = {}): Promise<NewOperation> {
  const operation = newOperation({ priority: 3, initial: { kind: "queued", queueId }, ...given });
  await store.accept(operation);
  return operation;
}

function claim(by: Store, limit = 1, afterCaller = 0): Promise<Claimed> {
  return by.claimTasks({ queueId, worker: "w", leaseMs: workerLeaseMs, limit, afterCaller });
}

async function take(by: Store = store): Promise<ClaimedTask> {
  const { tasks } = await claim(by);
  const [task] = tasks;
  if (task === undefined) throw new Error("nothing to take");
  return task;
}

function putDown(lease: Lease, how: PutDown, by: Store = store) {
  return by.putDown({ lease, queueId, priority: 3, closeBy: Date.now() + 3_600_000, how });
}

/** As a gateway's sweep does it: the lease has ended, the next fence is the gateway's. */
async function expire({ key }: Lease): Promise<Lease> {
  await fixture.pool.query("update head set due_at = now() where key = $1", [key]);
  const { taken } = await other.sweep(100);
  const found = taken.find(({ lease }) => lease.key === key);
  if (found === undefined) throw new Error("the sweep did not find it");
  return found.lease;
}

const taskCount = () => fixture.count("from task");

describe("an accept", () => {
  test("puts the operation and its task there together; it is due when it must have started", async () => {
    const operation = await put({ startBy: Date.now() + 60_000 });
    expect(await taskCount()).toBe(1);
    expect(await store.head(operation.key)).toMatchObject({ state: "scheduled", fence: 0 });
    expect(await fixture.column(operation.key, secondsUntilDue)).toBe("60");
    const repeated = await store.accept({ ...operation, id: newOperation().id });
    expect(repeated).toMatchObject({ kind: "known", head: { id: operation.id } });
    expect(await taskCount()).toBe(1);
    const endless = await put({ closeBy: null });
    expect(await fixture.column(endless.key, "due_at")).toBe("infinity");
    expect(await store.operation(operation.id)).toMatchObject({ priority: 3 });
  });

  test("for a worker that waits leases it from the start: no task, and start-to-close runs", async () => {
    const operation = newOperation({
      priority: 3,
      startToCloseMs: 10_000,
      initial: { kind: "leased", queueId, worker: "w", leaseMs: workerLeaseMs },
    });
    const accepted = await store.accept(operation);
    expect(accepted).toMatchObject({ kind: "created", lease: { fence: 1 } });
    expect(await taskCount()).toBe(0);
    expect(await store.head(operation.key)).toMatchObject({ state: "started", attempt: 1 });
    expect(await fixture.column(operation.key, "worker")).toBe("w");
    expect(await fixture.column(operation.key, secondsUntilDue)).toBe("10");
  });
});

describe("a claim", () => {
  test("deletes the task and writes the lease; nobody else gets it", async () => {
    const operation = await put();
    const { tasks, seen } = await claim(store);
    expect(tasks).toMatchObject([
      {
        kind: "start",
        lease: { key: operation.key, fence: 1 },
        head: { state: "started", attempt: 1 },
      },
    ]);
    expect(seen).toBe(1);
    expect(await taskCount()).toBe(0);
    expect(await fixture.column(operation.key, secondsUntilDue)).toBe("30");
    expect(await claim(other)).toMatchObject({ tasks: [], seen: 0 });
  });

  test("two gateways claiming at once get every task once", async () => {
    const made = await Promise.all(Array.from({ length: 200 }, () => put()));
    const got: string[] = [];
    const workers = [store, other, store, other].map(async (by) => {
      for (let empty = 0; empty < 3;) {
        const { tasks } = await claim(by, 7);
        got.push(...tasks.map(({ lease }) => lease.id));
        empty = tasks.length === 0 ? empty + 1 : 0;
      }
    });
    await Promise.all(workers);
    expect(got.toSorted()).toEqual(made.map(({ id }) => id).toSorted());
  });

  test("is fair between callers: the few of one don't wait behind the many of another", async () => {
    await fixture.pool.query(
      `with many as (
         select gen_random_uuid() as key, gen_random_uuid() as id, 1 as caller from generate_series(1, 20000)
         union all select gen_random_uuid(), gen_random_uuid(), 2 from generate_series(1, 10)
       ),
       h as (
         insert into head (key, id, caller_ns, owner_ns, endpoint_id, input_hash, state, due_at, close_by, window_ms)
         select key, id, caller, 1, 1, key, 0, 'infinity', 'infinity', 0 from many
       )
       insert into task (queue_id, caller_ns, priority, id, key) select $1, caller, 3, id, key from many`,
      [queueId],
    );
    const after = new Map([
      [store, 0],
      [other, 0],
    ]);
    let claims = 0;
    for (let ofTheFew = 0; ofTheFew < 10; claims += 1) {
      const by = claims % 2 === 0 ? store : other;
      const { tasks, lastCaller } = await claim(by, 1, after.get(by));
      after.set(by, lastCaller);
      ofTheFew += tasks.filter(({ head }) => head.callerNs === 2).length;
      expect(claims).toBeLessThan(30);
    }
    await put({ callerNs: 3 });
    await put({ callerNs: 4 });
    const { tasks } = await claim(store, 30, 3);
    const perCaller = (ns: number) => tasks.filter(({ head }) => head.callerNs === ns).length;
    // A share for each, and the turn begins behind the caller that was served last.
    expect([perCaller(1), perCaller(3), perCaller(4)]).toEqual([10, 1, 1]);
    expect(tasks.slice(0, 3).map(({ head }) => head.callerNs)).toEqual([1, 4, 3]);
  });

  test("gives everybody one before anybody two", async () => {
    for (const callerNs of [5, 6, 7, 5, 6, 7]) await put({ callerNs });
    const { tasks } = await claim(store, 4);
    expect(tasks.map(({ head }) => head.callerNs)).toEqual([7, 6, 5, 7]);
  });

  test("takes the urgent ones of a caller first, then the older ones", async () => {
    const late = await put({ priority: 5 });
    const usual = await put();
    const usualToo = await put();
    const urgent = await put({ priority: 1 });
    const { tasks } = await claim(store, 10);
    expect(tasks.map(({ lease }) => lease.id)).toEqual(
      [urgent, usual, usualToo, late].map(({ id }) => id),
    );
  });

  test("begins where the last one ended for a second at most, and never skips an urgent task", async () => {
    let monotonic = 0;
    const skipping = fixture.another({
      clock: { ...systemClock(), monotonic: () => monotonic },
    });
    const all: NewOperation[] = [];
    for (let n = 0; n < 5; n += 1) all.push(await put());
    const [first, second, third, , fifth] = all.map(({ id }) => id);
    const taken = await take(skipping);
    expect(taken.lease.id).toBe(first);
    await putDown(taken.lease, { kind: "released", startBy: null });
    expect((await take(skipping)).lease.id).toBe(second);
    const urgent = await put({ priority: 1 });
    expect((await take(skipping)).lease.id).toBe(urgent.id);
    expect((await take(skipping)).lease.id).toBe(third);
    monotonic = 1_000;
    const again = await take(skipping);
    expect(again.lease.id).toBe(first);
    await putDown(again.lease, { kind: "released", startBy: null });
    await take(skipping);
    expect((await take(skipping)).lease.id).toBe(fifth);
    // Nothing else is left: what lies before is found at once.
    expect((await take(skipping)).lease.id).toBe(first);
  });

  test("removes tasks of operations that have ended, and gives none of them", async () => {
    const ended = await put();
    await store.settle(settleBy(ended, anyone));
    expect(await claim(store)).toMatchObject({ tasks: [], seen: 1 });
    expect(await taskCount()).toBe(0);
    const dropped = await put();
    await store.settle(settleBy(dropped, anyone));
    await store.dropTask({ queueId, callerNs: 1, priority: 3, id: dropped.id });
    expect(await claim(store)).toMatchObject({ seen: 0 });
  });

  test("does not wait for a head that somebody holds locked, and leaves its task", async () => {
    const operation = await put();
    const client = await fixture.pool.connect();
    await client.query("begin");
    await client.query("select 1 from head where key = $1 for update", [operation.key]);
    const meanwhile = await claim(store);
    await client.query("commit");
    client.release();
    expect(meanwhile).toMatchObject({ tasks: [], seen: 1 });
    expect((await claim(store)).tasks).toHaveLength(1);
  });
});

describe("a worker's lease", () => {
  test("that was lost can change nothing: no answer, no heartbeat, no async start, no release", async () => {
    const operation = await put();
    const { lease: old } = await take();
    const swept = await expire(old);
    expect(await putDown(swept, lost)).toBe("written");
    expect(await store.head(operation.key)).toMatchObject({ state: "backing_off", attempt: 1 });
    const { lease } = await take(other);
    expect(lease.fence).toBeGreaterThan(old.fence + 1);
    const before = await fixture.column(operation.key, "head");
    expect(await store.settle(settleBy(old, holder(old)))).toEqual({ kind: "stale" });
    expect(await store.heartbeat({ lease: old, leaseMs: 1, progress: null })).toEqual({
      kind: "lost",
    });
    expect(await store.startTask(old, "t")).toEqual({ kind: "lost" });
    expect(await putDown(old, { kind: "released", startBy: null })).toBe("stale");
    expect(await fixture.column(operation.key, "head")).toBe(before);
    expect(await other.settle(settleBy(lease, holder(lease)))).toMatchObject({ kind: "settled" });
    expect(await store.attempts(operation.id)).toHaveLength(1);
  });

  test("is renewed when a third of it is over, otherwise a heartbeat writes nothing", async () => {
    await put();
    const { lease } = await take();
    const beat = { lease, leaseMs: workerLeaseMs, progress: null };
    const row = () => fixture.column(lease.key, "xmin::text || due_at");
    const before = await row();
    expect(await other.heartbeat(beat)).toEqual({
      kind: "held",
      cancelRequested: false,
      written: false,
    });
    expect(await row()).toBe(before);
    await fixture.pool.query("update head set due_at = now() + interval '15 s' where key = $1", [
      lease.key,
    ]);
    await other.heartbeat(beat);
    expect(await fixture.column(lease.key, secondsUntilDue)).toBe("30");
    await fixture.pool.query(
      "update head set due_at = now() + interval '5 s', close_by = now() + interval '5 s' where key = $1",
      [lease.key],
    );
    const atDeadline = await row();
    await other.heartbeat(beat);
    expect(await row()).toBe(atDeadline);
  });

  test("brings progress out, written once a second at most, and the wish to cancel in", async () => {
    const operation = await put();
    const { lease } = await take();
    const report = (text: string, by: Store) =>
      by.heartbeat({ lease, leaseMs: workerLeaseMs, progress: Buffer.from(text) });
    expect(await report("1", store)).toMatchObject({ written: true });
    expect(await report("2", other)).toMatchObject({ written: false });
    expect((await other.summary(operation.id))?.progress?.toString()).toBe("1");
    await fixture.pool.query("update head set reported_at = reported_at - interval '1 second'");
    expect(await report("3", other)).toMatchObject({ written: true });
    const asked = await other.askCancel(lease.key, lease.id);
    expect(asked).toMatchObject({ kind: "recorded", lease: null });
    expect(await report("4", store)).toMatchObject({ kind: "held", cancelRequested: true });
    expect(await store.summary(operation.id)).toMatchObject({
      worker: "w",
      progress: Buffer.from("3"),
    });
  });

  test("given back is no attempt, and the task is there again at once", async () => {
    const operation = await put();
    const { lease } = await take();
    expect(await putDown(lease, { kind: "released", startBy: null })).toBe("written");
    expect(await store.head(operation.key)).toMatchObject({ state: "backing_off", attempt: 0 });
    expect(await store.settle(settleBy(lease, holder(lease)))).toEqual({ kind: "stale" });
    expect((await take()).lease.id).toBe(operation.id);
  });

  test("ends with an asynchronous start, which may be repeated", async () => {
    const operation = await put();
    const { lease } = await take();
    expect(await store.startTask(lease, "run-1")).toMatchObject({
      kind: "written",
      cancelPending: false,
    });
    expect(await store.startTask(lease, "run-1")).toEqual({ kind: "repeated" });
    expect(await store.startTask(lease, "run-2")).toEqual({ kind: "lost" });
    expect(await store.head(operation.key)).toMatchObject({
      state: "started",
      handlerToken: "run-1",
    });
    expect(await fixture.column(operation.key, "due_at = close_by")).toBe("true");
    expect(await store.settle(settleBy(lease, holder(lease)))).toEqual({ kind: "stale" });
    expect(await store.settle(settleBy(operation, anyone))).toMatchObject({ kind: "settled" });
  });

  test("start-to-close counts from the claim, and the next attempt has its own", async () => {
    const operation = await put();
    const { lease } = await take();
    await store.shortenDeadline(lease, Date.now() + 10_000);
    expect(await fixture.column(operation.key, secondsUntilDue)).toBe("10");
    const closeBy = operation.closeBy;
    await store.putDown({
      lease,
      queueId,
      priority: 3,
      closeBy,
      how: { kind: "released", startBy: null },
    });
    expect(await fixture.column(operation.key, "round(extract(epoch from close_by - now()))")).toBe(
      "3600",
    );
  });
});

describe("what is put down", () => {
  test("with a delay or parked has no task until a person or time says so", async () => {
    const later = await put();
    const { lease } = await take();
    await putDown(lease, { kind: "lost", delayMs: 20_000, parked: false, attempt: attempt(1) });
    expect(await store.head(later.key)).toMatchObject({ state: "backing_off" });
    expect(await fixture.column(later.key, secondsUntilDue)).toBe("20");
    const stuck = await put();
    const { lease: second } = await take();
    await putDown(second, { kind: "lost", delayMs: 0, parked: true, attempt: attempt(1) });
    expect(await store.head(stuck.key)).toMatchObject({ state: "parked" });
    expect(await taskCount()).toBe(0);
    const swept = await expire(lease);
    expect(await putDown(swept, { kind: "wait", startBy: null })).toBe("written");
    expect((await take()).lease.id).toBe(later.id);
  });

  test("after its cancel was asked for waits for no worker, but for whoever ends it", async () => {
    const operation = await put();
    const { lease } = await take();
    await store.askCancel(operation.key, operation.id);
    await putDown(lease, lost);
    expect(await taskCount()).toBe(0);
    expect((await other.sweep(10)).taken).toMatchObject([{ head: { id: operation.id } }]);
  });

  test("a task that waits becomes due when its cancel is asked for", async () => {
    const operation = await put();
    await store.askCancel(operation.key, operation.id);
    const { taken } = await other.sweep(10);
    expect(taken).toMatchObject([{ head: { id: operation.id, state: "scheduled" } }]);
  });
});

test("the cancel of an asynchronous operation is a task of its own", async () => {
  const operation = await put();
  const { lease } = await take();
  await store.startTask(lease, "run-1");
  const asked = await store.askCancel(operation.key, operation.id);
  if (asked.lease === null) throw new Error("a started operation's cancel is delivered at once");
  expect(await putDown(asked.lease, { kind: "cancel" })).toBe("written");
  const task = await take(other);
  expect(task).toMatchObject({
    kind: "cancel",
    head: { state: "started", handlerToken: "run-1", owes: owes.cancel, attempt: 1 },
  });
  await store.noteCancelDelivered(task.lease, attempt(1, "cancel"), null);
  expect(await store.head(operation.key)).toMatchObject({ state: "started", owes: 0 });
  expect(await store.settle(settleBy(operation, anyone))).toMatchObject({ kind: "settled" });
});

test("a worker's lease of a cancel is kept by its heartbeats, for as long as it asked for", async () => {
  const operation = await put();
  const { lease } = await take();
  await store.startTask(lease, "run-1");
  const asked = await store.askCancel(operation.key, operation.id);
  if (asked.lease === null) throw new Error("a started operation's cancel is delivered at once");
  await putDown(asked.lease, { kind: "cancel" });
  const cancel = await take();
  const beat = { lease: cancel.lease, leaseMs: 600_000, progress: null };
  expect(await other.heartbeat(beat)).toMatchObject({ kind: "held" });
  const due = `select ${secondsUntilDue} as due from head`;
  expect((await fixture.pool.query(due)).rows).toEqual([{ due: "600" }]);
  await store.noteCancelDelivered(cancel.lease, attempt(1, "cancel"), null);
  expect(await other.heartbeat(beat)).toEqual({ kind: "lost" });
});

test("a cancel that waits takes no lease away from the callback of an operation that has ended", async () => {
  const operation = await put({ callbackUrl: "https://receiver.example.com/callback" });
  const { lease } = await take();
  await store.startTask(lease, "run-1");
  const asked = await store.askCancel(operation.key, operation.id);
  if (asked.lease === null) throw new Error("a started operation's cancel is delivered at once");
  await putDown(asked.lease, { kind: "cancel" });
  const settled = await store.settle(settleBy(operation, anyone, { owesCancel: true }));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("it owes a callback");
  expect((await claim(other)).tasks).toEqual([]);
  await store.noteDelivered(settled.lease);
  expect(await store.head(operation.key)).toMatchObject({ owes: owes.cancel });
  expect(await putDown(settled.lease, { kind: "cancel" })).toBe("written");
  expect(await take(other)).toMatchObject({ kind: "cancel", head: { owes: owes.cancel } });
});

test("a cancel that no worker took is put down no more once its operation may be forgotten", async () => {
  const operation = await put();
  const { lease } = await take();
  await store.startTask(lease, "run-1");
  const settled = await store.settle(settleBy(operation, anyone, { owesCancel: true }));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("it owes a cancel");
  await fixture.pool.query("update head set closed_at = now() - interval '10 years'");
  expect(await putDown(settled.lease, { kind: "cancel" })).toBe("stale");
  expect(await taskCount()).toBe(0);
});

test("a task that is put while a claim removes its void forerunner is there afterwards", async () => {
  const operation = await put();
  const { lease } = await take();
  const row = [queueId, operation.id, operation.key];
  await fixture.pool.query(
    "insert into task (queue_id, caller_ns, priority, id, key) values ($1, 1, 3, $2, $3)",
    row,
  );
  // What a claim does that began while the operation needed no task.
  const claiming = await fixture.pool.connect();
  await claiming.query("begin");
  await claiming.query("select from task where queue_id = $1 for update skip locked", [queueId]);
  const putting = putDown(lease, { kind: "released", startBy: null });
  await waitFor("the put-down to wait", async () => {
    const waiting = await fixture.count(
      "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return waiting > 0;
  });
  await claiming.query("delete from task where queue_id = $1", [queueId]);
  await claiming.query("commit");
  claiming.release();
  await putting;
  expect(await take(other)).toMatchObject({ lease: { id: operation.id } });
});

test("who drops the task of an operation that has ended leaves its cancel there", async () => {
  const operation = await put();
  const { lease } = await take();
  await store.startTask(lease, "run-1");
  const settled = await store.settle(settleBy(operation, anyone, { owesCancel: true }));
  if (settled.kind !== "settled" || settled.lease === null) throw new Error("it owes a cancel");
  await putDown(settled.lease, { kind: "cancel" });
  await store.dropTask({ queueId, callerNs: 1, priority: 3, id: operation.id });
  expect(await take(other)).toMatchObject({ kind: "cancel", lease: { id: operation.id } });
});

test("a cancel asked for while the worker answered asynchronously is owed at once", async () => {
  const operation = await put();
  const { lease } = await take();
  await store.askCancel(operation.key, operation.id);
  const started = await store.startTask(lease, "run-1");
  expect(started).toMatchObject({ kind: "written", cancelPending: true });
  expect(await store.head(operation.key)).toMatchObject({ owes: owes.cancel });
});

test("backlog, waiting queues and workers are what is there", async () => {
  const first = await put({ callerNs: 5, priority: 5 });
  await put({ callerNs: 5, priority: 1 });
  await put({ callerNs: 6 });
  expect(await other.backlog([queueId, 8])).toMatchObject([
    { queueId, callerNs: 5, depth: 2, oldestId: first.id },
    { queueId, callerNs: 6, depth: 1 },
  ]);
  expect(await other.queuesWithTasks([queueId, 8])).toEqual([queueId]);
  const { rows } = await fixture.pool.query<{ id: number }>(
    `with n as (insert into namespace (name) values ('team') returning id)
     insert into queue (namespace_id, name) select id, 'work' from n returning id`,
  );
  const id = rows[0]?.id ?? 0;
  let monotonic = 0;
  const noting = fixture.another({ clock: { ...systemClock(), monotonic: () => monotonic } });
  await noting.noteWorkers([{ queueId: id, worker: "w1" }]);
  await fixture.pool.query("update queue_worker set seen_at = seen_at - interval '2 hours'");
  monotonic = 60_000;
  await noting.noteWorkers([
    { queueId: id, worker: "w2" },
    { queueId: 999_999, worker: "of no queue" },
  ]);
  expect((await other.workers([id], 60_000)).map(({ worker }) => worker)).toEqual(["w2"]);
  expect(await fixture.count("from queue_worker")).toBe(1);
  monotonic = 120_000;
  const names = Array.from({ length: 1_100 }, (_, n) => `under a new name: ${n}`);
  await noting.noteWorkers(names.map((worker) => ({ queueId: id, worker })));
  expect(await fixture.count("from queue_worker")).toBe(1_000);
});

test("progress by callback token: an open operation's, once a second", async () => {
  const operation = newOperation();
  await store.accept(operation);
  const { key, id } = operation;
  expect(await store.noteProgress(key, id, Buffer.from("1"))).toBe("written");
  expect(await other.noteProgress(key, id, Buffer.from("2"))).toBe("early");
  expect((await store.summary(id))?.progress?.toString()).toBe("1");
  await store.settle(settleBy(operation, anyone, { outcome: newOutcome() }));
  expect(await store.noteProgress(key, id, Buffer.from("3"))).toBe("terminal");
  expect(await store.noteProgress(key, newOperation().id, Buffer.from("4"))).toBe("unknown");
});
