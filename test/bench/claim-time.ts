import type { Store } from "@nexus-mesh/gateway/store/store";
import { migrate } from "@nexus-mesh/registry/migrate";
import { ensurePartitions } from "@nexus-mesh/registry/partitions";
import pg from "pg";
import { fillQueue } from "../harness/fill-queue.ts";
import { databaseUrl } from "../harness/template-database.ts";
import { newOperation } from "./store-cost.ts";
import { median } from "./measure.ts";
import { openBenchStore } from "./open-bench-store.ts";

const queueId = 1;
const claims = 60;
const perClaim = 10;

interface FilledQueue {
  readonly store: Store;
  close(): Promise<void>;
}

/** How long a claim takes beside ten thousand and beside a million tasks, in databases of their own; medians, ms. */
export async function claimTime(
  serverUrl: string,
  rounds: number,
): Promise<{ few: number; many: number; ratio: number }> {
  const few = await openFilledQueue(serverUrl, "bench_few_tasks", 10_000);
  const many = await openFilledQueue(serverUrl, "bench_many_tasks", 1_000_000);
  try {
    const times: { few: number; many: number }[] = [];
    for (let round = 0; round < rounds; round += 1)
      times.push({ few: await timeOfClaims(few.store), many: await timeOfClaims(many.store) });
    return {
      few: median(times.map((one) => one.few)),
      many: median(times.map((one) => one.many)),
      ratio: median(times.map((one) => one.many / one.few)),
    };
  } finally {
    await few.close();
    await many.close();
  }
}

async function timeOfClaims(store: Store): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < claims; n += 1) {
    const from = performance.now();
    const { tasks } = await store.claimTasks({
      queueId,
      worker: "bench",
      leaseMs: 3_600_000,
      limit: perClaim,
      afterCaller: 0,
    });
    times.push(performance.now() - from);
    if (tasks.length !== perClaim) throw new Error(`a claim brought ${tasks.length} tasks`);
  }
  return median(times);
}

async function openFilledQueue(
  serverUrl: string,
  name: string,
  count: number,
): Promise<FilledQueue> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  const url = databaseUrl(serverUrl, name);
  await migrate(url);
  const filling = new pg.Pool({ connectionString: url, max: 3 });
  await ensurePartitions(filling, { now: Date.now() });
  const { store, close } = openBenchStore(url, 1);
  const operation = newOperation(Buffer.from("null"), {
    priority: 3,
    initial: { kind: "queued", queueId },
  });
  await store.accept(operation);
  await fillQueue(filling, operation.id, count);
  // Else autovacuum does it in the middle of a measurement.
  await filling.query("vacuum analyze head, task");
  await filling.query("checkpoint");
  await filling.end();
  return { store, close };
}
