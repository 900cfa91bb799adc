import type { GatewayContext } from "./gateway-context.ts";
import type { DatabaseFacts } from "./store/database-facts.ts";

const maxClockOffsetMs = 10 * 60_000;
const maxStalenessMs = 10_000;
const minDaysAhead = 2;
const checkEveryMs = 10_000;
const partitionsEveryMs = 3_600_000;

export interface Health {
  /** Why this gateway should get no traffic; empty: ready. */
  problems(): readonly string[];
  /** From now on not ready, whatever the checks say. */
  drain(): void;
  close(): Promise<void>;
}

export interface HealthProbes {
  readonly facts: () => Promise<DatabaseFacts>;
  /** Makes what is missing; the number of days ahead for which partitions are there. */
  readonly partitions: () => Promise<number>;
}

/** Checks at once (and throws what the first check throws), then in the background. */
export async function watchHealth(
  context: Pick<GatewayContext, "options" | "clock" | "log" | "registry" | "metrics">,
  probes: HealthProbes,
): Promise<Health> {
  const { options, clock, log, registry, metrics } = context;
  let found: readonly string[] = [];
  let draining = false;
  let running: Promise<void> = Promise.resolve();
  const first = await probes.facts();
  if (first.pooled) {
    log.warn(
      "a connection pooler answers at DATABASE_URL: give the gateway a direct connection, for LISTEN and session settings get lost in transaction mode",
    );
  }
  take(first);
  // After the first offset: partitions are made for the database's days.
  let daysAhead = await probes.partitions();
  let partitionsAt = clock.monotonic();

  const timer = setInterval(() => {
    running = check();
  }, checkEveryMs);
  timer.unref();

  return {
    problems() {
      const staleness = registry.staleness();
      metrics.snapshotVersion.set(registry.snapshot().version);
      metrics.snapshotStalenessSeconds.set(staleness / 1000);
      return [
        ...(draining ? ["this gateway is shutting down"] : []),
        ...(staleness > maxStalenessMs
          ? [`the registry was last read ${Math.round(staleness / 1000)} s ago`]
          : []),
        ...(daysAhead < minDaysAhead ? [`partitions exist for ${daysAhead} days ahead only`] : []),
        ...found,
      ];
    },
    drain() {
      draining = true;
    },
    async close() {
      clearInterval(timer);
      await running;
    },
  };

  async function check(): Promise<void> {
    try {
      take(await probes.facts());
    } catch (error) {
      found = ["the database can't be reached"];
      log.error({ err: error }, "the database can't be reached");
      return;
    }
    if (clock.monotonic() - partitionsAt < partitionsEveryMs) return;
    try {
      daysAhead = await probes.partitions();
      partitionsAt = clock.monotonic();
    } catch (error) {
      daysAhead -= 1;
      partitionsAt = clock.monotonic();
      log.error({ err: error }, "partitions could not be made; it is tried again in an hour");
    }
  }

  function take({ clockOffsetMs, unsafeSettings }: DatabaseFacts): void {
    clock.setOffset(clockOffsetMs);
    metrics.clockOffsetSeconds.set(clockOffsetMs / 1000);
    found = [
      ...(Math.abs(clockOffsetMs) > maxClockOffsetMs
        ? [
            `this machine's clock is ${Math.round(Math.abs(clockOffsetMs) / 60_000)} min off the database's`,
          ]
        : []),
      ...(unsafeSettings.length > 0 && !options.allowUnsafeDatabase
        ? [
            `Postgres may forget commits: ${unsafeSettings.join(", ")} is off (--allow-unsafe-database accepts that)`,
          ]
        : []),
    ];
  }
}
