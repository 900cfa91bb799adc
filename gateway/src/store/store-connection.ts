import type pg from "pg";
import type { Clock } from "../clock.ts";
import { isConnectionLost } from "./postgres-errors.ts";
import { repeatStatement } from "./repeat-statement.ts";
import { StoreUnavailable } from "./store.ts";

export interface Statement {
  /** Prepared under this name on each connection. */
  readonly name: string;
  readonly text: string;
}

/** What the parts of the store share. */
export interface StoreConnection {
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Once, errors as they come: for the statements that a batch repeats. */
  run<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
  /** Once, and says so when Postgres can't be reached: what the sweep asks for is another thing the next time. */
  once<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
  /** Until Postgres answers. */
  repeat<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
}

export function createStoreConnection(
  pool: pg.Pool,
  clock: Clock,
  leaseMs: number,
): StoreConnection {
  const run = async <Row extends pg.QueryResultRow>(
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    const { rows } = await pool.query<Row>({ name, text, values: [...values] });
    return rows;
  };
  return {
    clock,
    leaseMs,
    run,
    async once(statement, values) {
      try {
        return await run(statement, values);
      } catch (error) {
        if (isConnectionLost(error))
          throw new StoreUnavailable("Postgres can't be reached", { cause: error });
        throw error;
      }
    },
    repeat: (statement, values) => repeatStatement(clock, () => run(statement, values)),
  };
}

/**
 * Custom plans, because a plan made for an empty partition is never reconsidered; no sequential scans, because a
 * never-analysed `head` invites them. A gateway frozen inside a transaction must not hold its locks.
 */
export function storePoolOptions(databaseUrl: string, size: number): pg.PoolConfig {
  return {
    connectionString: databaseUrl,
    max: size,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 0,
    keepAlive: true,
    // A dead network sends no reset; every batch is written to be repeatable.
    query_timeout: 10_000,
    statement_timeout: 9_000,
    application_name: "nexus-mesh-store",
    idle_in_transaction_session_timeout: 2_000,
    options: "-c plan_cache_mode=force_custom_plan -c enable_seqscan=off -c jit=off",
  };
}
