import { randomUUID } from "node:crypto";
import { Pool, type PoolConfig } from "pg";
import { systemClock, type Clock } from "../../gateway/src/clock.ts";
import type { CrashPoint } from "../../gateway/src/crash-points.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";
import { states, type State, type TerminalState } from "../../gateway/src/operations/lifecycle.ts";
import {
  batchPoolOptions,
  openStore,
  storePoolOptions,
} from "../../gateway/src/store/open-store.ts";
import type {
  Attempt,
  Lease,
  NewOperation,
  NewOutcome,
  Settle,
  Store,
} from "../../gateway/src/store/store.ts";
import { uuidV7 } from "../../gateway/src/store/uuid-v7.ts";
import { createDatabase } from "../harness/postgres.ts";

export const leaseMs = 15_000;
export const windowMs = 24 * 3_600_000;

export interface StoreFixture {
  readonly url: string;
  readonly pool: Pool;
  readonly store: Store;
  /** A further store on the same database: another gateway. */
  another(options?: StoreOptions): Store;
  /** One column of the head of a key, as text. */
  column(key: string, expression: string): Promise<string | null>;
  count(sql: string, values?: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly crash?: (point: CrashPoint) => void;
  readonly maxBytesInFlight?: number;
  readonly pool?: PoolConfig;
  readonly clock?: Clock;
  readonly leaseMs?: number;
  readonly around?: (pool: Pool, of: "store" | "batches" | "watch") => void;
}

export async function openStoreFixture(options: StoreOptions = {}): Promise<StoreFixture> {
  const database = await createDatabase();
  const pool = new Pool({ connectionString: database.url, max: 3 });
  const opened: { store: Store; pools: Pool[] }[] = [];
  const another = (given: StoreOptions = {}): Store => {
    const own = new Pool({ ...storePoolOptions(database.url, 3), ...given.pool });
    const batches = new Pool({ ...batchPoolOptions(database.url, 3), ...given.pool });
    const watch = new Pool({ ...storePoolOptions(database.url, 1), ...given.pool });
    given.around?.(own, "store");
    given.around?.(batches, "batches");
    given.around?.(watch, "watch");
    const store = openStore({
      pool: own,
      batchPool: batches,
      watchPool: watch,
      clock: given.clock ?? systemClock(),
      leaseMs: given.leaseMs ?? leaseMs,
      metrics: createMetrics(),
      maxBytesInFlight: given.maxBytesInFlight ?? 64 * 1024 * 1024,
      crash: given.crash ?? (() => undefined),
      onError: () => undefined,
    });
    opened.push({ store, pools: [own, batches, watch] });
    return store;
  };
  return {
    url: database.url,
    pool,
    store: another(options),
    another,
    async column(key, expression) {
      const { rows } = await pool.query<{ value: string | null }>(
        `select (${expression})::text as value from head where key = $1`,
        [key],
      );
      return rows[0]?.value ?? null;
    },
    async count(sql, values = []) {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n ${sql}`, [
        ...values,
      ]);
      return rows[0]?.n ?? 0;
    },
    async close() {
      for (const one of opened) {
        await one.store.close();
        for (const pool of one.pools) await pool.end();
      }
      await pool.end();
      await database.drop();
    },
  };
}

export function newOperation(given: Partial<NewOperation> = {}): NewOperation {
  return {
    id: uuidV7(Date.now()),
    key: randomUUID(),
    callerNs: 1,
    ownerNs: 2,
    endpointId: 3,
    targetId: 4,
    inputHash: randomUUID(),
    service: "s",
    operation: "o",
    requestId: "r",
    principal: "p",
    labels: null,
    headers: Buffer.from("{}"),
    callbackUrl: null,
    callbackHeaders: null,
    closeBy: Math.floor(Date.now()) + 3_600_000,
    startBy: null,
    startToCloseMs: null,
    dedupeWindowMs: windowMs,
    contentHeaders: Buffer.from("{}"),
    input: Buffer.from([0, 255, 92, 39]),
    redriveOf: null,
    priority: null,
    initial: { kind: "scheduled" },
    ...given,
  };
}

export function newOutcome(
  state: TerminalState = "succeeded",
  given: Partial<NewOutcome> = {},
): NewOutcome {
  return {
    state,
    handlerToken: null,
    headers: state === "succeeded" ? Buffer.from("{}") : null,
    result: state === "succeeded" ? Buffer.from("result") : null,
    failure: state === "succeeded" ? null : Buffer.from("{}"),
    digest: randomUUID(),
    attempts: null,
    ...given,
  };
}

export function settleBy(
  ref: Pick<Lease, "key" | "id">,
  by: Settle["by"],
  given: Partial<Settle> = {},
): Settle {
  return {
    key: ref.key,
    id: ref.id,
    by,
    outcome: newOutcome(),
    takenInline: false,
    owesCancel: false,
    ...given,
  };
}

export const anyone = { kind: "anyone" } as const;

export function holder(lease: Lease): Settle["by"] {
  return { kind: "holder", fence: lease.fence };
}

export function attempt(n: number, kind: Attempt["kind"] = "start"): Attempt {
  return { kind, n, at: Date.now(), ms: 5, targetId: 4, status: 503, error: "unavailable" };
}

/** Accepted here and held by this store. */
export async function acceptHeld(
  store: Store,
  given: Partial<NewOperation> = {},
): Promise<{ operation: NewOperation; lease: Lease }> {
  const operation = newOperation(given);
  const accepted = await store.accept(operation);
  if (accepted.kind !== "created" || accepted.lease === null)
    throw new Error(`the accept gave ${accepted.kind}`);
  return { operation, lease: accepted.lease };
}

/** Puts an operation into a state by the store's own calls. */
export async function bringTo(
  store: Store,
  state: State,
  given: Partial<NewOperation> = {},
): Promise<{ operation: NewOperation; lease: Lease }> {
  const held = await acceptHeld(store, given);
  const { lease } = held;
  switch (state) {
    case "scheduled":
      return held;
    case "backing_off":
    case "parked":
      await store.noteRetry({
        lease,
        state,
        delayMs: 60_000,
        attempt: attempt(1),
        targetId: 4,
      });
      return held;
    case "started":
      await store.noteStarted({ lease, handlerToken: "token", closeBy: held.operation.closeBy });
      return held;
    case "succeeded":
    case "failed":
    case "canceled":
    case "timed_out":
    case "terminated":
      await store.settle(settleBy(lease, holder(lease), { outcome: newOutcome(state) }));
      return held;
  }
}

export function stateOf(code: string | null): State | undefined {
  return (Object.keys(states) as State[]).find((state) => String(states[state]) === code);
}
