import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  isTerminal,
  operationEvents,
  stateName,
  states,
  statesChangedBy,
  transitions,
  type OperationEvent,
  type State,
  type TerminalState,
} from "../../gateway/src/operations/lifecycle.ts";
import type { Lease, Store } from "../../gateway/src/store/store.ts";
import {
  anyone,
  attempt,
  bringTo,
  newOutcome,
  openStoreFixture,
  settleBy,
  type StoreFixture,
} from "../store/store-fixture.ts";

const allStates = Object.keys(states) as State[];
let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

test("the table is total, and the stored numbers never change", () => {
  expect(Object.keys(transitions)).toEqual(allStates);
  for (const state of allStates)
    expect(Object.keys(transitions[state]).sort()).toEqual([...operationEvents].sort());
  expect(states).toEqual({
    scheduled: 0,
    backing_off: 1,
    parked: 2,
    started: 3,
    succeeded: 4,
    failed: 5,
    canceled: 6,
    timed_out: 7,
    terminated: 8,
  });
  expect(allStates.map((state) => stateName(states[state]))).toEqual(allStates);
});

test("nothing leaves a terminal state, and every open one can end in each terminal state", () => {
  for (const state of allStates) {
    const next = operationEvents.map((event) => transitions[state][event]);
    if (isTerminal(state))
      expect(next.every((to) => to === "ignore" || to === "refuse")).toBe(true);
    else expect(next).toEqual(expect.arrayContaining(allStates.filter(isTerminal)));
  }
});

test("guards list the states that an event changes", () => {
  for (const event of operationEvents) {
    const changed = allStates.filter(
      (state) => !["ignore", "refuse"].includes(transitions[state][event]),
    );
    expect(statesChangedBy(event).map(stateName)).toEqual(changed);
  }
});

const endings: Partial<Record<OperationEvent, TerminalState>> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  deadline_passed: "timed_out",
  terminated: "terminated",
};

/** One of its own for each operation. */
function queueOf({ id }: Lease): number {
  return parseInt(id.slice(-7), 16);
}

/** The store's call that carries an event. */
async function apply(store: Store, event: OperationEvent, lease: Lease): Promise<void> {
  switch (event) {
    case "attempt_failed":
    case "attempts_exhausted":
      await store.noteRetry({
        lease,
        state: event === "attempt_failed" ? "backing_off" : "parked",
        delayMs: 60_000,
        attempt: attempt(2),
        targetId: 4,
      });
      return;
    case "due":
      await fixture.pool.query("update head set due_at = now() where key = $1", [lease.key]);
      await store.sweep(100);
      return;
    case "redriven":
      await store.redrive(lease.key, lease.id);
      return;
    case "handler_started":
      await store.noteStarted({ lease, handlerToken: "token", closeBy: null });
      return;
    case "worker_took":
      await fixture.pool.query(
        "insert into task (queue_id, caller_ns, priority, id, key) values ($1, 1, 3, $2, $3)",
        [queueOf(lease), lease.id, lease.key],
      );
      await store.claimTasks({
        queueId: queueOf(lease),
        worker: "w",
        leaseMs: 60_000,
        limit: 1,
        afterCaller: 0,
      });
      return;
    case "lease_lost":
      // Started by a worker that has not answered: otherwise nobody's lease can be lost.
      await fixture.pool.query("update head set handler_token = null where key = $1", [lease.key]);
      await store.putDown({
        lease,
        queueId: queueOf(lease),
        priority: 3,
        closeBy: null,
        how: { kind: "lost", delayMs: null, parked: false, attempt: attempt(2) },
      });
      return;
    default: {
      const outcome = newOutcome(endings[event]);
      await store.settle(settleBy(lease, anyone, { outcome }));
    }
  }
}

describe.each(allStates)("in Postgres, from %s", (state) => {
  test("each event does what the table says", async () => {
    const { store } = fixture;
    await Promise.all(
      operationEvents.map(async (event) => {
        const { lease } = await bringTo(store, state, { callbackUrl: "https://c.test/" });
        const current = { ...lease, fence: (await store.head(lease.key))?.fence ?? -1 };
        await apply(store, event, current);
        const next = transitions[state][event];
        const expected = next === "ignore" || next === "refuse" ? state : next;
        expect((await store.head(lease.key))?.state, event).toBe(expected);
      }),
    );
  });
});
