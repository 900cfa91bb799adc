import { systemClock } from "@nexus-mesh/gateway/clock";
import { createNexusClient } from "@nexus-mesh/sdk/client";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";
import {
  batchPoolOptions,
  openStore,
  storePoolOptions,
} from "../../gateway/src/store/open-store.ts";
import type { Store } from "../../gateway/src/store/store.ts";
import { fillQueue } from "../harness/fill-queue.ts";
import { seedToken } from "../harness/seed.ts";
import { jobs } from "../queues/contract.ts";
import { startTwoGateways, type TwoGateways } from "../queues/two-gateways.ts";

let mesh: TwoGateways;
let pool: Pool;
/** A third gateway's, with a single connection, whose statements alone are counted. */
let store: Store;
let storePools: { pool: Pool; batchPool: Pool };
let queueId: number;
let firstId: string;
let monotonic = 0;

beforeAll(async () => {
  // No sweep: what Postgres counts while a claim is measured is the claim's.
  mesh = await startTwoGateways({ sweepMs: { min: 3_600_000, max: 3_600_000 } });
  const { databaseUrl } = mesh.here;
  pool = new Pool({ connectionString: databaseUrl, max: 3 });
  // Nobody cleans up after the claims, as under a snapshot that is held open.
  for (const table of ["head", "task"])
    await pool.query(`alter table ${table} set (autovacuum_enabled = off)`);
  storePools = {
    pool: new Pool(storePoolOptions(databaseUrl, 1)),
    batchPool: new Pool(batchPoolOptions(databaseUrl, 1)),
  };
  store = openStore({
    ...storePools,
    // Nobody watches.
    watchPool: storePools.pool,
    clock: { ...systemClock(), monotonic: () => monotonic },
    leaseMs: 15_000,
    metrics: createMetrics(),
    maxBytesInFlight: 1_000_000,
    crash: () => undefined,
    onError: () => undefined,
  });
  firstId = (await mesh.client().start("echo", "one of a million")).operationId;
  const { rows } = await pool.query<{ queue_id: number }>("select queue_id from task");
  queueId = rows[0]?.queue_id ?? 0;
});
afterAll(async () => {
  await store.close();
  await storePools.pool.end();
  await storePools.batchPool.end();
  await pool.end();
  await mesh.close();
});

let afterCaller = 0;
async function claim(limit: number): Promise<number> {
  const { tasks, lastCaller } = await store.claimTasks({
    queueId,
    worker: "w",
    leaseMs: 3_600_000,
    limit,
    afterCaller,
  });
  afterCaller = lastCaller;
  return tasks.length;
}

/** Pages of `task`, `head` and their indexes that were looked at so far. */
async function pagesRead(): Promise<number> {
  await storePools.batchPool.query("select pg_stat_force_next_flush()");
  // The statistics are sent when the statement that asked for it has ended.
  await storePools.batchPool.query("select 1");
  const { rows } = await pool.query<{ pages: number }>(
    `select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::int as pages
     from pg_statio_user_tables where relname in ('head', 'task')`,
  );
  return rows[0]?.pages ?? NaN;
}

const limits = [1, 10, 100] as const;
type Costs = Record<(typeof limits)[number], number>;
const most = 1.5;

/** Pages a claim of so many tasks reads, within the second after one that looked from the very beginning. */
async function claimCosts(): Promise<Costs> {
  const costs: Costs = { 1: NaN, 10: NaN, 100: NaN };
  monotonic += 1_000;
  for (const limit of limits) {
    await claim(limit);
    const before = await pagesRead();
    for (let n = 0; n < 20; n += 1) expect(await claim(limit)).toBe(limit);
    costs[limit] = ((await pagesRead()) - before) / 20;
  }
  return costs;
}

function ratios(costs: Costs, to: Costs): number[] {
  return limits.map((limit) => costs[limit] / to[limit]);
}

let fresh: Costs;

test("a claim at a million tasks costs at most 1.5 times what it costs at ten thousand", async () => {
  await fillQueue(pool, firstId, 10_000);
  const few = await claimCosts();
  await fillQueue(pool, firstId, 1_000_000);
  fresh = await claimCosts();
  expect(Math.max(...ratios(fresh, few))).toBeLessThan(most);
}, 180_000);

test("behind a million of one caller, the ten of another are all claimed within 200 claims, on two gateways", async () => {
  const { here, there } = mesh;
  const token = await seedToken(here, "shop");
  const shop = createNexusClient({ url: here.url, token }).service({
    endpoint: "jobs",
    service: jobs,
  });
  const ofShop = new Set<string | undefined>();
  for (let n = 0; n < 10; n += 1)
    ofShop.add((await shop.start("echo", `one of ten: ${n}`)).operationId);
  let claims = 0;
  for (let found = 0; found < ofShop.size; claims += 1) {
    expect(claims).toBeLessThan(200);
    const tasks = await mesh.poll(claims % 2 === 0 ? here : there);
    expect(tasks).toHaveLength(1);
    found += tasks.filter((task) => ofShop.has(task.headers["nexus-mesh-operation-id"])).length;
  }
  // Nor do the ten hold up the million.
  expect(claims).toBeGreaterThanOrEqual(18);
}, 60_000);

test("a million is not counted to its end, and the API says so", async () => {
  const { here, workerToken } = mesh;
  const path = "/v1/namespaces/insights/queues/renders";
  expect((await callApi(here.url, { path, token: workerToken })).body).toMatchObject({
    depth: 100_000,
    countedAll: false,
    callers: [{ namespace: "storefront", depth: 100_000, countedAll: false }],
  });
});

test("after 50,000 claims that nobody has vacuumed away, a claim costs what it did", async () => {
  for (let n = 0; n < 500; n += 1) await claim(100);
  expect(Math.max(...ratios(await claimCosts(), fresh))).toBeLessThan(most);
}, 60_000);
