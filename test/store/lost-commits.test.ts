import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../gateway/src/crash-points.ts";
import { StoreOverloaded, StoreUnavailable } from "../../gateway/src/store/store.ts";
import { makeFaulty, type Fault } from "./faulty-pool.ts";
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
  type StoreFixture,
} from "./store-fixture.ts";

let fixture: StoreFixture;
let faults: Partial<Record<string, Fault>> = {};
const reached: CrashPoint[] = [];
beforeAll(async () => {
  fixture = await openStoreFixture({
    around: (pool) =>
      makeFaulty(pool, (statement) => {
        const fault = faults[statement] ?? "none";
        faults = { ...faults, [statement]: "none" };
        return fault;
      }),
    crash: (point) => reached.push(point),
  });
});
afterAll(() => fixture.close());

test.each(["lost-before", "lost-after", "doubled"] as const)(
  "an accept whose statement is %s is created once, held from its first sending",
  async (fault) => {
    faults = { accept: fault };
    const before = performance.now();
    const sent = [newOperation({ input: Buffer.alloc(10) }), newOperation()];
    const accepted = await Promise.all(sent.map((one) => fixture.store.accept(one)));
    expect(accepted.map(({ kind }) => kind)).toEqual(["created", "created"]);
    for (const one of accepted)
      if (one.kind === "created") {
        expect(one.lease?.fence).toBe(0);
        expect(one.lease?.endsAt).toBeLessThan(before + leaseMs + 1_000);
      }
    expect(
      await fixture.count("from operation where id = any($1)", [sent.map(({ id }) => id)]),
    ).toBe(2);
  },
);

test("the lease of a repeated accept counts from the first sending", async () => {
  let sends = 0;
  const moments: number[] = [];
  const store = fixture.another({
    around: (pool) =>
      makeFaulty(pool, (name) => (name === "accept" && sends++ === 0 ? "lost-after" : "none")),
    crash: (point) => {
      if (point === "accept:before-commit") moments.push(performance.now());
    },
  });
  const accepted = await store.accept(newOperation());
  expect(moments).toHaveLength(2);
  expect(accepted.kind === "created" && accepted.lease?.endsAt).toBeLessThanOrEqual(
    (moments[0] ?? 0) + leaseMs,
  );
});

test("a holder's settle whose answer was lost is settled, so that its inline waiter is answered", async () => {
  const { lease } = await acceptHeld(fixture.store, { callbackUrl: "https://c.test/" });
  faults = { settle: "lost-after" };
  const settled = await fixture.store.settle(settleBy(lease, holder(lease), { takenInline: true }));
  expect(settled).toMatchObject({ kind: "settled", owes: 0, lease: null });
});

test("a completion whose answer was lost is a repeat of itself", async () => {
  const { lease } = await bringTo(fixture.store, "started");
  faults = { settle: "lost-after" };
  const outcome = newOutcome();
  expect(await fixture.store.settle(settleBy(lease, anyone, { outcome }))).toMatchObject({
    kind: "already",
    digest: outcome.digest,
  });
});

test("only the caller of a bad row sees its error", async () => {
  const operations = [
    newOperation(),
    newOperation({ service: "zero \u0000 byte" }),
    newOperation(),
  ];
  const results = await Promise.allSettled(operations.map((one) => fixture.store.accept(one)));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await fixture.store.head(operations[1]?.key ?? "")).toBeUndefined();
});

test("bytes that wait for their commit are bounded", async () => {
  const store = fixture.another({ maxBytesInFlight: 100_000 });
  const big = () => store.accept(newOperation({ input: Buffer.alloc(60_000) }));
  const first = big();
  await expect(big()).rejects.toThrow(StoreOverloaded);
  await first;
  expect(await big()).toMatchObject({ kind: "created" });
});

test("Postgres that cannot be reached is StoreUnavailable", async () => {
  const store = fixture.another({
    pool: { connectionString: "postgres://nobody@127.0.0.1:1/nothing" },
  });
  await expect(store.sweep(10)).rejects.toThrow(StoreUnavailable);
  await expect(store.accept(newOperation())).rejects.toThrow(StoreUnavailable);
});

test("a connection killed by the server while its statement waits is repeated", async () => {
  const { lease } = await acceptHeld(fixture.store);
  const blocker = await fixture.pool.connect();
  await blocker.query("begin");
  await blocker.query("select 1 from head where key = $1 for update", [lease.key]);
  const settled = fixture.store.settle(settleBy(lease, holder(lease)));
  let killed = 0;
  while (killed === 0) {
    const { rowCount } = await fixture.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'nexus-mesh-store' and wait_event_type = 'Lock'`,
    );
    killed = rowCount ?? 0;
  }
  await blocker.query("commit");
  blocker.release();
  expect(await settled).toMatchObject({ kind: "settled" });
});

test("crash points lie right around the statements", async () => {
  const { lease } = await bringTo(fixture.store, "started");
  reached.length = 0;
  await fixture.store.accept(newOperation());
  await fixture.store.askCancel(lease.key, lease.id);
  const held = await acceptHeld(fixture.store);
  await fixture.store.noteStarted({ lease: held.lease, handlerToken: "t", closeBy: null });
  expect(reached).toEqual([
    "accept:before-commit",
    "accept:after-commit",
    "cancel:before-commit",
    "cancel:after-commit",
    "accept:before-commit",
    "accept:after-commit",
    "started:written",
  ]);
});
