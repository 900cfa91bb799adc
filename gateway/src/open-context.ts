import { assertSchema } from "@nexus-mesh/registry/migrate";
import { openRegistry } from "@nexus-mesh/registry/open-registry";
import type { Logger } from "pino";
import { systemClock, type AdjustableClock } from "./clock.ts";
import { noCrash, type ReachCrashPoint } from "./crash-points.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { watchHealth, type Health } from "./health.ts";
import { createEgress } from "./identity/create-egress.ts";
import { openKeyring } from "./identity/open-keyring.ts";
import { createLog } from "./log.ts";
import { maintainPartitions } from "./maintain-partitions.ts";
import { createMetrics } from "./metrics.ts";
import type { GatewayOptions } from "./options.ts";
import { readDatabaseFacts } from "./store/database-facts.ts";
import { openPool } from "./store/open-pool.ts";
import { openStore } from "./store/open-store.ts";
import { batchPoolOptions, storePoolOptions } from "./store/store-connection.ts";

export interface GatewayParts {
  readonly clock?: AdjustableClock;
  readonly log?: Logger;
  readonly crash?: ReachCrashPoint;
}

export interface OpenContext {
  readonly context: GatewayContext;
  readonly health: Health;
  /** Closes everything in reverse order. */
  close(): Promise<void>;
}

/** Opens what a gateway needs; when a step fails, what was opened before is closed again. */
export async function openContext(
  options: GatewayOptions,
  parts: GatewayParts = {},
): Promise<OpenContext> {
  const clock = parts.clock ?? systemClock();
  const log = parts.log ?? createLog("silent");
  const crash = parts.crash ?? noCrash;
  const metrics = createMetrics();
  const opened: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of opened.splice(0).reverse()) await step();
  };
  const onError = (error: unknown): void => {
    log.error({ err: error }, "the registry could not be read; the last snapshot stays in use");
  };
  // While it is idle: the next query gets a new one.
  const onConnectionLost = (error: Error): void => {
    log.warn({ err: error }, "an idle database connection was lost");
  };

  try {
    // A frozen gateway must not hold the lock that every change takes, nor a dead network the snapshot.
    const controlPool = {
      connectionString: options.databaseUrl,
      max: 4,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
      lock_timeout: 5_000,
      idle_in_transaction_session_timeout: 2_000,
    };
    const { pool: control, close: closeControl } = openPool(controlPool, onConnectionLost);
    opened.push(closeControl);
    await assertSchema(control);
    const registry = await openRegistry({
      pool: control,
      connectionString: options.databaseUrl,
      onError,
    });
    opened.push(() => registry.close());
    const keys = await openKeyring({ registry, masterKeys: options.masterKeys, clock, onError });
    opened.push(() => {
      keys.close();
    });
    const egress = createEgress({ registry });
    opened.push(() => egress.close());
    const health = await watchHealth(
      { options, clock, log, registry, metrics },
      {
        facts: () => readDatabaseFacts(control),
        partitions: () => maintainPartitions({ clock, log, options }, control),
      },
    );
    opened.push(() => health.close());
    // Half of the connections for batches; the store reports what the pools lose.
    const batchSize = Math.max(1, Math.floor(options.poolSize / 2));
    const batches = openPool(batchPoolOptions(options.databaseUrl, batchSize), () => undefined);
    opened.push(batches.close);
    const others = openPool(
      storePoolOptions(options.databaseUrl, Math.max(1, options.poolSize - batchSize)),
      () => undefined,
    );
    opened.push(others.close);
    const watch = openPool(storePoolOptions(options.databaseUrl, 1), () => undefined);
    opened.push(watch.close);
    const store = openStore({
      pool: others.pool,
      batchPool: batches.pool,
      watchPool: watch.pool,
      clock,
      leaseMs: options.leaseMs,
      metrics,
      maxBytesInFlight: options.maxAcceptedBytesInFlight,
      crash,
      onError: onConnectionLost,
    });
    opened.push(() => store.close());
    return {
      context: { options, clock, log, registry, store, keys, egress, metrics, crash },
      health,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
