import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../gateway/src/clock.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";
import { createWatches } from "../../gateway/src/operations/watches.ts";
import type { Store } from "../../gateway/src/store/store.ts";
import type { OperationSnapshot } from "../../gateway/src/store/watched.ts";
import { waitFor } from "../harness/wait-for.ts";
import {
  acceptHeld,
  attempt,
  openStoreFixture,
  type StoreFixture,
} from "../store/store-fixture.ts";

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

/** Its snapshots are read, and then kept until the test lets go of them. */
function holdSnapshots(store: Store): { store: Store; held: (() => void)[] } {
  const held: (() => void)[] = [];
  const snapshots: Store["snapshots"] = async (of) => {
    const read = await store.snapshots(of);
    await new Promise<void>((resolve) => held.push(resolve));
    return read;
  };
  return { store: { ...store, snapshots }, held };
}

test("who comes while a snapshot for others is read is shown none that leaves out what it does not know", async () => {
  const { lease } = await acceptHeld(fixture.store);
  await fixture.store.noteRetry({
    lease,
    state: "backing_off",
    delayMs: 60_000,
    attempt: attempt(1),
    targetId: null,
  });
  const { store, held } = holdSnapshots(fixture.store);
  const metrics = createMetrics();
  const log = pino({ level: "silent" });
  const watches = createWatches({ store, metrics, clock: systemClock(), log });
  const waiting = watches.wait(lease, 60_000, new AbortController().signal);
  await waitFor("the snapshot for the long poll", () => held.length === 1);
  const seen: (OperationSnapshot | undefined)[] = [];
  const follow = watches.follow(lease, {
    known: { starts: 0, cancels: 0 },
    see: (snapshot) => seen.push(snapshot),
    close: () => undefined,
  });
  held[0]?.();
  await waitFor("the snapshot for the follower", () => held.length === 2);
  held[1]?.();
  await waitFor("the follower to be shown it", () => seen.length > 0);
  expect(seen.map((snapshot) => snapshot?.attempts.map(({ n }) => n))).toEqual([[1]]);
  follow.stop();
  watches.close();
  expect(await waiting).toBe(false);
});
