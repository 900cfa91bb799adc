import { afterAll, beforeAll, expect, test } from "vitest";
import type { ListFilter, Store } from "../../gateway/src/store/store.ts";
import { uuidV7 } from "../../gateway/src/store/uuid-v7.ts";
import { bringTo, newOperation, openStoreFixture, type StoreFixture } from "./store-fixture.ts";

let fixture: StoreFixture;
let store: Store;
const ids: string[] = [];
const from = Date.now() - 10_000;
const states = ["scheduled", "backing_off", "parked", "started", "succeeded", "failed"] as const;

beforeAll(async () => {
  fixture = await openStoreFixture();
  store = fixture.store;
  for (const [at, state] of states.entries()) {
    const id = uuidV7(from + at * 1_000);
    ids.push(id);
    await bringTo(store, state, {
      id,
      service: at % 2 === 0 ? "even" : "odd",
      labels: { team: "data" },
      callerNs: 11,
      ownerNs: 12,
    });
  }
  await store.accept(newOperation({ callerNs: 21, ownerNs: 22, endpointId: 23 }));
});
afterAll(() => fixture.close());

const made: ListFilter = {
  view: "made",
  namespaceId: 11,
  states: [],
  endpointId: null,
  callerNs: null,
  service: null,
  operation: null,
  after: null,
  before: null,
};

async function found(filter: Partial<ListFilter>): Promise<number[]> {
  const { items } = await store.list({ ...made, ...filter }, 100, null);
  return items.map(({ row }) => ids.indexOf(row.id));
}

test("newest first, page by page", async () => {
  const first = await store.list(made, 4, null);
  expect(first.items.map(({ row }) => row.id)).toEqual([...ids].reverse().slice(0, 4));
  const second = await store.list(made, 4, first.next);
  expect(second.items.map(({ row }) => row.id)).toEqual([ids[1], ids[0]]);
  expect(second.next).toBeNull();
});

test("by state, service, endpoint, caller and time; served by owner", async () => {
  expect(await found({ states: ["parked"] })).toEqual([2]);
  expect(await found({ states: ["started", "backing_off"] })).toEqual([3, 1]);
  expect(await found({ states: ["started", "backing_off"], service: "even" })).toEqual([]);
  expect(await found({ states: ["failed", "scheduled"] })).toEqual([5, 0]);
  expect(await found({ service: "even" })).toEqual([4, 2, 0]);
  expect(await found({ operation: "nothing" })).toEqual([]);
  expect(await found({ endpointId: 3 })).toHaveLength(6);
  expect(await found({ endpointId: 23 })).toEqual([]);
  expect(await found({ after: from + 2_000, before: from + 4_000 })).toEqual([3, 2]);
  expect(await found({ view: "served" })).toEqual([]);
  expect(await found({ view: "served", namespaceId: 12 })).toHaveLength(6);
  expect(await found({ view: "served", namespaceId: 12, callerNs: 21 })).toEqual([]);
  expect(await found({ namespaceId: null })).toHaveLength(7);
});

test("a summary has the head, and for an ended one how it ended", async () => {
  const { items } = await store.list(made, 100, null);
  expect(items[0]).toMatchObject({
    row: { id: ids[5], service: "odd", labels: { team: "data" } },
    head: { state: "failed" },
    outcome: { state: "failed" },
  });
  expect(items[2]).toMatchObject({ head: { state: "started" }, outcome: null });
  expect(await store.summary(ids[5] ?? "")).toEqual(items[0]);
});

test("a page whose time is used up answers with a cursor, and the pages together miss nothing", async () => {
  await Promise.all(
    Array.from({ length: 300 }, () =>
      store.accept(newOperation({ callerNs: 31, id: uuidV7(from - 50_000) })),
    ),
  );
  // A clock that jumps: every look is past the time of a page.
  let now = 0;
  const hasty = fixture.another({
    clock: { now: Date.now, random: Math.random, monotonic: () => (now += 100) },
  });
  const filter = { ...made, namespaceId: 31, states: ["scheduled", "failed"] } as const;
  const rare = newOperation({
    callerNs: 31,
    id: uuidV7(from - 90_000),
    service: "rare",
  });
  await store.accept(rare);
  let pages = 0;
  let next: string | null = null;
  const seen: string[] = [];
  do {
    const page = await hasty.list({ ...filter, states: ["failed"] }, 10, next);
    seen.push(...page.items.map(({ row }) => row.id));
    next = page.next;
    pages += 1;
  } while (next !== null);
  expect(seen).toEqual([]);
  expect(pages).toBeGreaterThan(2);
  expect((await store.list({ ...filter, service: "rare" }, 10, null)).items).toMatchObject([
    { row: { id: rare.id } },
  ]);
});
