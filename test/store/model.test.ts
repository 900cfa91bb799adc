import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isTerminal } from "../../gateway/src/operations/lifecycle.ts";
import {
  owes,
  StoreUnavailable,
  type Head,
  type Lease,
  type Store,
} from "../../gateway/src/store/store.ts";
import { waitFor } from "../harness/wait-for.ts";
import { makeFaulty, type Fault } from "./faulty-pool.ts";
import { mulberry32 } from "./mulberry32.ts";
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

const shortLease = 150;
/** As short as this, so that keys are purged and used again during the run. */
const shortWindow = 100;
const keyCount = 12;
const workers = 24;
const actionsEach = 25;
const callbackUrl = "https://caller.test/own";
const furtherUrl = "https://caller.test/further";

interface Ref {
  readonly key: string;
  readonly id: string;
}

/** What callers, handlers and receivers were told: the store must never take it back. */
interface Told {
  readonly created: Map<string, { ref: Ref; callback: boolean }>;
  /** Digest that a settle was told to be the end, by operation. */
  readonly settled: Map<string, Set<string>>;
  readonly takenInline: Set<string>;
  readonly attached: Set<string>;
  readonly delivered: Set<string>;
  readonly furtherDelivered: Set<string>;
  readonly leases: string[];
  readonly terminalSeen: Map<string, string>;
}

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

function isUniqueViolation(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "23505";
}

function createModel(stores: readonly [Store, Store], random: () => number) {
  const told: Told = {
    created: new Map(),
    settled: new Map(),
    takenInline: new Set(),
    attached: new Set(),
    delivered: new Set(),
    furtherDelivered: new Set(),
    leases: [],
    terminalSeen: new Map(),
  };
  const keys = Array.from({ length: keyCount }, () => randomUUID());
  const refs: Ref[] = [];
  /** Leases stay here after their end, too: a frozen holder wakes and writes. */
  const held: Lease[] = [];
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

  function issued(lease: Lease): Lease {
    told.leases.push(`${lease.id} ${lease.fence}`);
    held.push(lease);
    return lease;
  }

  function see(head: Head): void {
    if (!isTerminal(head.state)) return;
    const before = told.terminalSeen.get(head.id);
    if (before !== undefined) expect(head.state).toBe(before);
    told.terminalSeen.set(head.id, head.state);
  }

  async function deliver(store: Store, lease: Lease, bits: number): Promise<void> {
    if (bits & owes.furtherCallbacks && (await store.armCallbacks(lease)) === "stale") return;
    if (bits & owes.callback) {
      if (random() < 0.3) {
        await store.moveCallback(lease, {
          url: callbackUrl,
          headers: null,
          delayMs: 0,
          attempt: attempt(1, "callback"),
        });
      } else {
        told.delivered.add(lease.id);
        await store.noteDelivered(lease);
      }
    }
    if (bits & owes.cancel)
      await store.noteCancelDelivered(lease, attempt(1, "cancel"), random() < 0.3 ? 20 : null);
  }

  async function settle(store: Store, ref: Ref, fence: number | null): Promise<void> {
    const state = pick(["succeeded", "failed", "canceled", "terminated"] as const) ?? "failed";
    const outcome = newOutcome(state);
    const takenInline = fence !== null && random() < 0.3;
    const by = fence === null ? anyone : holder({ ...ref, fence, endsAt: 0 });
    const settled = await store.settle(
      settleBy(ref, by, { outcome, takenInline, owesCancel: random() < 0.2 }),
    );
    // Repeated until its window had ended: it may have been this one.
    if (takenInline && settled.kind === "unknown") told.takenInline.add(ref.id);
    if (settled.kind === "settled") {
      told.settled.set(ref.id, (told.settled.get(ref.id) ?? new Set()).add(outcome.digest));
      if (takenInline && (settled.owes & owes.callback) === 0) told.takenInline.add(ref.id);
      see(settled.head);
      if (settled.lease !== null) {
        issued(settled.lease);
        // Else this gateway dies here: the sweep must find it.
        if (random() < 0.6) await deliver(store, settled.lease, settled.owes);
      }
    } else if (settled.kind === "already") see(settled.head);
  }

  async function sweep(store: Store): Promise<number> {
    const { taken, purged } = await store.sweep(10);
    for (const { head, lease } of taken) {
      issued(lease);
      see(head);
      if (isTerminal(head.state)) await deliver(store, lease, head.owes);
      else if (head.owes & owes.cancel) await deliver(store, lease, owes.cancel);
    }
    const due = await store.sweepCallbacks(10);
    for (const row of due) {
      const set = row.url === callbackUrl ? told.delivered : told.furtherDelivered;
      set.add(row.id);
      await store.noteCallback(row, { kind: "delivered" });
    }
    return taken.length + purged + due.length;
  }

  const actions: ((store: Store) => Promise<unknown>)[] = [
    async (store) => {
      const callback = random() < 0.5;
      const operation = newOperation({
        key: pick(keys) ?? randomUUID(),
        dedupeWindowMs: shortWindow,
        callbackUrl: callback ? callbackUrl : null,
      });
      const accepted = await store.accept(operation).catch((error: unknown) => {
        // Repeated until its window, which no real one is as short as, had ended: what its first sending wrote is still there.
        if (isUniqueViolation(error)) return undefined;
        throw error;
      });
      if (accepted === undefined) return;
      if (accepted.kind === "created") {
        told.created.set(operation.id, { ref: operation, callback });
        refs.push({ key: operation.key, id: operation.id });
        if (accepted.lease !== null) issued(accepted.lease);
      } else {
        see(accepted.head);
        const { key, id } = accepted.head;
        if ((await store.attach(key, id, furtherUrl, null)) === "attached") told.attached.add(id);
      }
    },
    async (store) => {
      const lease = pick(held);
      if (lease === undefined) return;
      const written = await store.noteStarted({ lease, handlerToken: "t", closeBy: null });
      if (written.kind === "written" && written.cancelPending)
        await deliver(store, written.lease, owes.cancel);
    },
    async (store) => {
      const lease = pick(held);
      if (lease === undefined) return;
      const state = random() < 0.5 ? "backing_off" : "parked";
      await store.noteRetry({ lease, state, delayMs: 10, attempt: attempt(1), targetId: 4 });
    },
    async (store) => {
      const lease = pick(held);
      if (lease !== undefined) await settle(store, lease, lease.fence);
    },
    async (store) => {
      const ref = pick(refs);
      if (ref !== undefined) await settle(store, ref, null);
    },
    async (store) => {
      const ref = pick(refs);
      if (ref === undefined) return;
      const asked = await store.askCancel(ref.key, ref.id);
      if (asked.lease !== null) await deliver(store, issued(asked.lease), owes.cancel);
    },
    async (store) => {
      const ref = pick(refs);
      if (ref === undefined) return;
      const lease = await store.redrive(ref.key, ref.id);
      if (lease !== null) issued(lease);
    },
    async (store) => {
      const lease = pick(held);
      if (lease !== undefined) await store.release(lease, random() * 50);
    },
    async (store) => {
      await store.renew([pick(held), pick(held)].filter((lease) => lease !== undefined));
    },
    sweep,
    sweep,
  ];

  async function work(): Promise<void> {
    for (let n = 0; n < actionsEach; n += 1) {
      const store = stores[random() < 0.5 ? 0 : 1];
      try {
        await pick(actions)?.(store);
      } catch (error) {
        // A statement of the sweep was lost; the next sweep asks again. Anything else fails the test.
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  }

  /** Every operation is brought to its end; then nothing may be left undone. */
  async function finish(store: Store): Promise<void> {
    for (const { ref } of told.created.values()) {
      const head = await store.head(ref.key);
      if (head?.id === ref.id && !isTerminal(head.state)) await settle(store, ref, null);
    }
    await waitFor(
      "everything owed to be delivered and every key to be forgotten",
      async () => (await sweep(store)) === 0 && (await fixture.count("from head")) === 0,
      { ms: 20_000 },
    );
  }

  return { told, work, finish };
}

describe.each([1, 20, 300])("seed %i", (seed) => {
  test("two gateways, lost and doubled statements, frozen holders: nothing told is ever taken back", async () => {
    const random = mulberry32(seed);
    let faulty = true;
    const faults: Fault[] = ["lost-before", "lost-after", "doubled"];
    const choose = (): Fault =>
      faulty && random() < 0.25 ? (faults[Math.floor(random() * 3)] ?? "none") : "none";
    const options = {
      leaseMs: shortLease,
      around: (pool: Parameters<typeof makeFaulty>[0]) => makeFaulty(pool, choose),
    };
    await fixture.pool.query("truncate head, callback, operation, outcome, attempt");
    const stores = [fixture.another(options), fixture.another(options)] as const;
    const { told, work, finish } = createModel(stores, random);
    await Promise.all(Array.from({ length: workers }, work));
    faulty = false;
    await finish(fixture.another({ leaseMs: shortLease }));

    const ids = [...told.created.keys()];
    expect(ids.length).toBeGreaterThan(keyCount);
    // Accepted means committed, and ended once.
    const ended = await fixture.pool.query<{
      id: string;
      key: string;
      digest: string;
      state: number;
    }>("select id, key, digest, state from outcome");
    const outcomes = new Map(ended.rows.map((row) => [row.id, row]));
    expect(outcomes.size).toBe(ended.rows.length);
    for (const id of ids) expect(outcomes.has(id), `operation ${id} has an outcome`).toBe(true);
    expect(
      await fixture.count(
        "from operation o where not exists (select from outcome e where e.id = o.id)",
      ),
    ).toBe(0);
    expect(
      await fixture.count(
        "from outcome e where not exists (select from operation o where o.id = e.id)",
      ),
    ).toBe(0);
    // The first terminal state wins.
    for (const [id, digests] of told.settled) {
      expect(digests.size, `operation ${id} was settled once`).toBe(1);
      expect(outcomes.get(id)?.digest).toBe([...digests][0]);
    }
    // One holder a fence.
    expect(new Set(told.leases).size).toBe(told.leases.length);
    // What was owed was delivered.
    for (const [id, { callback }] of told.created)
      if (callback && !told.takenInline.has(id))
        expect(told.delivered.has(id), `callback of ${id} was delivered`).toBe(true);
    for (const id of told.attached)
      expect(told.furtherDelivered.has(id), `attached callback of ${id} was delivered`).toBe(true);
    expect(await fixture.count("from callback where state in (0, 1)")).toBe(0);
  });
});
