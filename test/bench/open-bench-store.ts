import { systemClock } from "@nexus-mesh/gateway/clock";
import { createMetrics } from "@nexus-mesh/gateway/metrics";
import {
  batchPoolOptions,
  openStore,
  storePoolOptions,
} from "@nexus-mesh/gateway/store/open-store";
import type { Store } from "@nexus-mesh/gateway/store/store";
import pg from "pg";

export interface BenchStore {
  readonly store: Store;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** A gateway's store without the gateway. Nobody watches, so the looks need no connection of their own. */
export function openBenchStore(databaseUrl: string, connections: number): BenchStore {
  const pool = new pg.Pool(storePoolOptions(databaseUrl, connections));
  const batchPool = new pg.Pool(batchPoolOptions(databaseUrl, connections));
  const store = openStore({
    pool,
    batchPool,
    watchPool: pool,
    clock: systemClock(),
    leaseMs: 15_000,
    metrics: createMetrics(),
    maxBytesInFlight: 256 * 1024 * 1024,
    crash: () => undefined,
    onError: () => undefined,
  });
  return {
    store,
    pool,
    async close() {
      await store.close();
      await pool.end();
      await batchPool.end();
    },
  };
}
