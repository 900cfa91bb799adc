import { Pool, type PoolConfig } from "pg";

export interface OpenPool {
  readonly pool: Pool;
  /** Resolves once every connection is really closed: `end()` alone only begins it. */
  close(): Promise<void>;
}

const confirmWithinMs = 1_000;

/** A pool that no lost connection can take the process down with, not even one lost while it is being closed. */
export function openPool(config: PoolConfig, onLost: (error: Error) => void): OpenPool {
  const pool = new Pool(config);
  pool.on("error", onLost);
  pool.on("connect", (client) => {
    // The pool listens to idle clients only; those it is ending have nobody.
    client.on("error", () => undefined);
  });
  return {
    pool,
    async close() {
      const open = pool.totalCount;
      let removed = 0;
      const gone = new Promise<void>((resolve) => {
        if (open === 0) resolve();
        pool.on("remove", () => {
          removed += 1;
          if (removed === open) resolve();
        });
      });
      await pool.end();
      // A connection whose network is dead never confirms its end.
      const late = new Promise<void>((resolve) => {
        setTimeout(resolve, confirmWithinMs).unref();
      });
      await Promise.race([gone, late]);
    },
  };
}
