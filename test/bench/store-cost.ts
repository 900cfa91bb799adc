import { storePoolOptions } from "@nexus-mesh/gateway/store/open-store";
import { uuidV7 } from "@nexus-mesh/gateway/store/uuid-v7";
import type {
  Lease,
  NewOperation,
  NewOutcome,
  Settled,
  Store,
} from "@nexus-mesh/gateway/store/store";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { openBenchStore } from "./open-bench-store.ts";
import type { PostgresCost } from "./postgres-cost.ts";

export interface StoreCost {
  /** Per operation. */
  readonly cpu: number;
  readonly wal: number;
}

const steps = ["accept", "settle", "delivered"] as const;
type Step = (typeof steps)[number];
type Round = Readonly<Record<Step | "floor", StoreCost>>;

const rowsPerBatch = 25;
const batches = 100;
const operations = rowsPerBatch * batches;

/**
 * What the store's own statements cost Postgres for a short operation with a callback, in batches of 25 rows, beside the
 * least that anybody could do: one row written once and updated once. By turns, since the machine's speed changes.
 */
export async function storeCost(
  databaseUrl: string,
  body: Buffer,
  rounds: number,
  read: () => Promise<PostgresCost>,
): Promise<Round[]> {
  const { store, close } = openBenchStore(databaseUrl, 2);
  const bare = new pg.Client(storePoolOptions(databaseUrl, 1));
  await bare.connect();
  await bare.query(
    "create table floor_row (id uuid primary key, input bytea, result bytea, state smallint not null) with (fillfactor = 50)",
  );
  const measured = async (step: () => Promise<unknown>): Promise<StoreCost> => {
    const before = await read();
    await step();
    await store.flush();
    const after = await read();
    return {
      cpu: (after.cpu - before.cpu) / operations,
      wal: (after.walBytes - before.walBytes) / operations,
    };
  };
  const round = async (): Promise<Round> => {
    const rows = Array.from({ length: operations }, () => newOperation(body));
    const leases: Lease[] = [];
    return {
      floor: await measured(() => writeBareRows(bare, body)),
      accept: await measured(() => inBatches(rows, (row) => store.accept(row))),
      settle: await measured(async () => {
        for (const settled of await inBatches(rows, (row) => settle(store, row, body))) {
          if (settled.kind !== "settled" || settled.lease === null)
            throw new Error(`a settle of the benchmark was ${settled.kind}`);
          leases.push(settled.lease);
        }
      }),
      delivered: await measured(() =>
        Promise.all(leases.map((lease) => store.noteDelivered(lease))),
      ),
    };
  };
  try {
    // What is new pays for its warm-up: plans, caches, files of the WAL.
    await round();
    const results: Round[] = [];
    for (let done = 0; done < rounds; done += 1) results.push(await round());
    return results;
  } finally {
    await close();
    await bare.query("drop table floor_row");
    await bare.end();
  }
}

/** Everything that an operation costs the store, without the floor. */
export function wholeOf(round: Round): StoreCost {
  return {
    cpu: steps.reduce((total, step) => total + round[step].cpu, 0),
    wal: steps.reduce((total, step) => total + round[step].wal, 0),
  };
}

/** One statement is filled and in flight at a time: what is submitted in one turn shares a statement. */
async function inBatches<Item, Result>(
  items: readonly Item[],
  submit: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += rowsPerBatch)
    results.push(...(await Promise.all(items.slice(from, from + rowsPerBatch).map(submit))));
  return results;
}

async function writeBareRows(client: pg.Client, body: Buffer): Promise<void> {
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
}

function settle(store: Store, { key, id }: NewOperation, body: Buffer): Promise<Settled> {
  return store.settle({
    key,
    id,
    by: { kind: "anyone" },
    outcome: newOutcome(body),
    takenInline: false,
    owesCancel: false,
  });
}

export function newOperation(input: Buffer, given: Partial<NewOperation> = {}): NewOperation {
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
    ...given,
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
