import { createMetrics } from "@nexus-mesh/gateway/metrics";
import { systemClock } from "@nexus-mesh/gateway/clock";
import {
  batchPoolOptions,
  openStore,
  storePoolOptions,
} from "@nexus-mesh/gateway/store/open-store";
import { uuidV7 } from "@nexus-mesh/gateway/store/uuid-v7";
import type { Lease, NewOperation, NewOutcome } from "@nexus-mesh/gateway/store/store";
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { PostgresCost } from "./postgres-cost.ts";

export interface StoreCost {
  readonly name: string;
  /** Per operation. */
  readonly cpu: number;
  readonly wal: number;
}

const rowsPerBatch = 25;
const batches = 400;
const operations = rowsPerBatch * batches;

/**
 * What the store's own statements cost Postgres for a short operation with a callback, in batches of 25 rows from two
 * connections, beside the least that anybody could do: one row written once and updated once.
 */
export async function storeCost(
  databaseUrl: string,
  body: Buffer,
  read: () => Promise<PostgresCost>,
): Promise<{ floor: StoreCost; steps: StoreCost[] }> {
  const floor = await floorCost(databaseUrl, body, read);
  const pool = new pg.Pool(storePoolOptions(databaseUrl, 2));
  const batchPool = new pg.Pool(batchPoolOptions(databaseUrl, 2));
  const store = openStore({
    pool,
    batchPool,
    watchPool: pool,
    clock: systemClock(),
    leaseMs: 15_000,
    metrics: createMetrics(),
    maxBytesInFlight: 64 * 1024 * 1024,
    crash: () => undefined,
    onError: () => undefined,
  });
  const measured = async (name: string, step: () => Promise<unknown>): Promise<StoreCost> => {
    const before = await read();
    await step();
    await store.flush();
    return perOperation(name, before, await read());
  };
  const inBatches = async <Item, Result>(
    items: readonly Item[],
    submit: (item: Item) => Promise<Result>,
  ): Promise<Result[]> => {
    const results: Result[] = [];
    // One statement is filled and in flight at a time: what is submitted in one turn shares a statement.
    for (let from = 0; from < items.length; from += rowsPerBatch)
      results.push(...(await Promise.all(items.slice(from, from + rowsPerBatch).map(submit))));
    return results;
  };
  try {
    const rows = Array.from({ length: operations }, () => newOperation(body));
    const steps: StoreCost[] = [];
    steps.push(await measured("accept", () => inBatches(rows, (row) => store.accept(row))));
    const leases: Lease[] = [];
    steps.push(
      await measured("settle", async () => {
        for (const settled of await inBatches(rows, (row) =>
          store.settle({
            key: row.key,
            id: row.id,
            by: { kind: "anyone" },
            outcome: newOutcome(body),
            takenInline: false,
            owesCancel: false,
          }),
        )) {
          if (settled.kind !== "settled" || settled.lease === null)
            throw new Error(`a settle of the benchmark was ${settled.kind}`);
          leases.push(settled.lease);
        }
      }),
    );
    steps.push(
      await measured("delivered", () =>
        Promise.all(leases.map((lease) => store.noteDelivered(lease))),
      ),
    );
    return { floor, steps };
  } finally {
    await store.close();
    await pool.end();
    await batchPool.end();
  }
}

async function floorCost(
  databaseUrl: string,
  body: Buffer,
  read: () => Promise<PostgresCost>,
): Promise<StoreCost> {
  const client = new pg.Client(storePoolOptions(databaseUrl, 1));
  await client.connect();
  try {
    await client.query(
      "create table floor_row (id uuid primary key, input bytea, result bytea, state smallint not null) with (fillfactor = 50)",
    );
    const before = await read();
    for (let batch = 0; batch < batches; batch += 1) {
      const ids = Array.from({ length: rowsPerBatch }, () => randomUUID()).sort();
      const bodies = ids.map(() => body);
      await client.query({
        name: "floor-insert",
        text: "insert into floor_row select i, p, null, 0 from unnest($1::uuid[], $2::bytea[]) r(i, p)",
        values: [ids, bodies],
      });
      await client.query({
        name: "floor-update",
        text: "update floor_row set state = 4, result = r.p from unnest($1::uuid[], $2::bytea[]) r(i, p) where id = r.i and state = 0",
        values: [ids, bodies],
      });
    }
    return perOperation("floor: one row, insert + update", before, await read());
  } finally {
    await client.query("drop table if exists floor_row");
    await client.end();
  }
}

function perOperation(name: string, before: PostgresCost, after: PostgresCost): StoreCost {
  return {
    name,
    cpu: (after.cpu - before.cpu) / operations,
    wal: (after.walBytes - before.walBytes) / operations,
  };
}

function newOperation(input: Buffer): NewOperation {
  return {
    key: randomUUID(),
    id: uuidV7(Date.now()),
    callerNs: 1,
    ownerNs: 2,
    endpointId: 1,
    targetId: 1,
    inputHash: randomUUID(),
    service: "jobs",
    operation: "async",
    requestId: randomUUID(),
    principal: "user:bench",
    labels: null,
    headers: Buffer.from("{}"),
    callbackUrl: "https://receiver.example.com/callback",
    callbackHeaders: null,
    closeBy: null,
    startBy: null,
    startToCloseMs: null,
    dedupeWindowMs: 86_400_000,
    contentHeaders: Buffer.from('{"content-type":"application/json"}'),
    input,
    redriveOf: null,
    priority: null,
    initial: { kind: "scheduled" },
  };
}

function newOutcome(result: Buffer): NewOutcome {
  return {
    state: "succeeded",
    handlerToken: null,
    headers: Buffer.from('{"content-type":"application/json"}'),
    result,
    failure: null,
    digest: randomUUID(),
    attempts: null,
  };
}
