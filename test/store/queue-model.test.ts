import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isTerminal } from "../../gateway/src/operations/lifecycle.ts";
import {
  owes,
  StoreUnavailable,
  type Lease,
  type NewOperation,
  type Store,
} from "../../gateway/src/store/store.ts";
import type { PutDown } from "../../gateway/src/store/task.ts";
import { waitFor } from "../harness/wait-for.ts";
import { makeFaulty, type Fault } from "./faulty-pool.ts";
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
import { mulberry32 } from "./mulberry32.ts";

const gatewayLease = 100;
const workerLease = 150;
const queueId = 1;
const workers = 16;
const actionsEach = 25;
const lost: PutDown = { kind: "lost", delayMs: null, parked: false, attempt: attempt(1) };

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

function createModel(random: () => number) {
  const created: NewOperation[] = [];
  /** Leases stay here after their end, too: a frozen worker wakes and answers. */
  const held: Lease[] = [];
  const issued: string[] = [];
  /** Digests that a settle said to be the end, by operation. */
  const ends = new Map<string, Set<string>>();
  /** The newest fence given to a worker, and the fence of the answer that ended it. */
  const newest = new Map<string, number>();
  const answeredUnder = new Map<string, number>();
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

  function issue(lease: Lease): Lease {
    issued.push(`${lease.id} ${lease.fence}`);
    newest.set(lease.id, Math.max(newest.get(lease.id) ?? 0, lease.fence));
    held.push(lease);
    return lease;
  }

  const of = (id: string): NewOperation | undefined => created.find((one) => one.id === id);

  function putDown(store: Store, lease: Lease, how: PutDown) {
    const { closeBy = null, priority } = of(lease.id) ?? {};
    return store.putDown({ lease, queueId, priority: priority ?? 3, closeBy, how });
  }

  async function put(store: Store): Promise<void> {
    const direct = random() < 0.3;
    const operation = newOperation({
      key: randomUUID(),
      callerNs: 1 + Math.floor(random() * 3),
      priority: 1 + Math.floor(random() * 5),
      initial: direct
        ? { kind: "leased", queueId, worker: "w", leaseMs: workerLease }
        : { kind: "queued", queueId },
    });
    const accepted = await store.accept(operation);
    if (accepted.kind !== "created") throw new Error(`the accept gave ${accepted.kind}`);
    created.push(operation);
    // Else the gateway died before the worker heard of it.
    if (accepted.lease !== null && random() < 0.8) issue(accepted.lease);
  }

  async function claim(store: Store): Promise<number> {
    const { tasks } = await store.claimTasks({
      queueId,
      worker: "w",
      leaseMs: workerLease,
      limit: 1 + Math.floor(random() * 4),
      afterCaller: Math.floor(random() * 4),
    });
    for (const task of tasks) {
      const lease = issue(task.lease);
      if (task.kind === "cancel" && random() < 0.8)
        await store.noteCancelDelivered(lease, attempt(1, "cancel"), null);
    }
    return tasks.length;
  }

  async function answer(store: Store, lease: Lease): Promise<void> {
    const outcome = newOutcome(pick(["succeeded", "failed"] as const) ?? "failed");
    const settled = await store.settle(settleBy(lease, holder(lease), { outcome }));
    if (settled.kind === "settled") answeredUnder.set(lease.id, lease.fence);
    note(lease.id, settled.kind, outcome.digest);
  }

  function note(id: string, kind: string, digest: string): void {
    if (kind === "settled") ends.set(id, (ends.get(id) ?? new Set()).add(digest));
  }

  /** What a gateway does with what its sweep finds (operations/sweep.ts, operations/attempt-start.ts). */
  async function sweep(store: Store): Promise<number> {
    const { taken } = await store.sweep(20);
    for (const { head, lease } of taken) {
      issued.push(`${lease.id} ${lease.fence}`);
      if (random() < 0.2) continue;
      if (isTerminal(head.state)) continue;
      if (head.state === "started" && head.handlerToken === null) await putDown(store, lease, lost);
      else if (head.state === "started") {
        if (head.owes & owes.cancel) await putDown(store, lease, { kind: "cancel" });
        else await store.settle(settleBy(lease, holder(lease)));
      } else if (head.cancelRequestedAt !== null) {
        const outcome = newOutcome("canceled");
        note(
          lease.id,
          (await store.settle(settleBy(lease, holder(lease), { outcome }))).kind,
          outcome.digest,
        );
      } else await putDown(store, lease, { kind: "wait", startBy: null });
    }
    return taken.length;
  }

  const actions: ((store: Store) => Promise<unknown>)[] = [
    put,
    put,
    claim,
    claim,
    sweep,
    async (store) => {
      const lease = pick(held);
      if (lease !== undefined) await answer(store, lease);
    },
    async (store) => {
      const lease = pick(held);
      if (lease === undefined) return;
      await store.heartbeat({ lease, leaseMs: workerLease, progress: Buffer.from("{}") });
    },
    async (store) => {
      const lease = pick(held);
      if (lease !== undefined) await putDown(store, lease, { kind: "released", startBy: null });
    },
    async (store) => {
      const lease = pick(held);
      if (lease === undefined || random() < 0.5) return;
      const started = await store.startTask(lease, "run");
      if (started.kind === "written" && started.cancelPending)
        await putDown(store, started.lease, { kind: "cancel" });
    },
    async (store) => {
      const operation = pick(created);
      if (operation === undefined || random() < 0.7) return;
      const asked = await store.askCancel(operation.key, operation.id);
      if (asked.lease !== null) await putDown(store, asked.lease, { kind: "cancel" });
    },
  ];

  return {
    created,
    issued,
    ends,
    newest,
    answeredUnder,
    claim,
    sweep,
    answer,
    lastHeld: () => held.splice(0),
    async work(stores: readonly [Store, Store]): Promise<void> {
      for (let n = 0; n < actionsEach; n += 1) {
        const store = stores[random() < 0.5 ? 0 : 1];
        try {
          await pick(actions)?.(store);
        } catch (error) {
          // What is asked once was lost: a claim's tasks come back when their leases end. Anything else fails the test.
          if (!(error instanceof StoreUnavailable)) throw error;
        }
      }
    },
  };
}

describe.each([1, 20, 300])("seed %i", (seed) => {
  test("two gateways, lost and doubled statements, workers that vanish or answer late: every operation ends once, under the newest lease", async () => {
    const random = mulberry32(seed);
    let faulty = true;
    const faults: Fault[] = ["lost-before", "lost-after", "doubled"];
    const choose = (): Fault =>
      faulty && random() < 0.2 ? (faults[Math.floor(random() * 3)] ?? "none") : "none";
    const options = {
      leaseMs: gatewayLease,
      around: (pool: Parameters<typeof makeFaulty>[0]) => makeFaulty(pool, choose),
    };
    await fixture.pool.query("truncate head, task, callback, operation, outcome, attempt");
    const stores = [fixture.another(options), fixture.another(options)] as const;
    const model = createModel(random);
    await Promise.all(Array.from({ length: workers }, () => model.work(stores)));
    faulty = false;

    // No completion by anybody else from here on, but for those that went on asynchronously.
    const last = fixture.another({ leaseMs: gatewayLease });
    await waitFor(
      "every operation to end by a worker's hand",
      async () => {
        await model.sweep(last);
        await model.claim(last);
        for (const lease of model.lastHeld()) await model.answer(last, lease);
        const asynchronous = await fixture.pool.query<{ key: string; id: string }>(
          "select key, id from head where state = 3 and handler_token is not null",
        );
        for (const ref of asynchronous.rows) await last.settle(settleBy(ref, anyone));
        const ended = await fixture.count("from outcome");
        return ended === model.created.length;
      },
      { ms: 30_000, every: 5 },
    );

    expect(model.created.length).toBeGreaterThan(20);
    expect(await fixture.count("from operation")).toBe(model.created.length);
    expect(new Set(model.issued).size, "a fence has one holder").toBe(model.issued.length);
    for (const [id, digests] of model.ends)
      expect(digests.size, `operation ${id} was settled once`).toBe(1);
    for (const [id, fence] of model.answeredUnder)
      expect(fence, `operation ${id} was ended under its newest lease`).toBe(model.newest.get(id));
    // What is left in the queue is void, and goes when somebody looks.
    await waitFor("the queue to be empty", async () => {
      await model.claim(last);
      return (await fixture.count("from task")) === 0;
    });
  });
});
