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
  /** As `run`, for the statements that write a batch: their plan is kept. */
  runBatch<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
  /** As `run`, on the connection that watching has for itself: behind reads that begin to wait it would hear too late. */
  runWatch<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
  /** Once, and says so when Postgres can't be reached: what the sweep asks for is another thing the next time. */
  once<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]>;
  /** As `once`, with the plan kept, for what is as hot as the batches. */
  onceKept<Row extends pg.QueryResultRow>(
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
  pools: StorePools,
  clock: Clock,
  leaseMs: number,
): StoreConnection {
  const runOn = async <Row extends pg.QueryResultRow>(
    pool: pg.Pool,
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    const { rows } = await pool.query<Row>({ name, text, values: [...values] });
    return rows;
  };
  const run = <Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> => runOn(pools.pool, statement, values);
  return {
    clock,
    leaseMs,
    run,
    runBatch: (statement, values) => runOn(pools.batchPool, statement, values),
    runWatch: (statement, values) => runOn(pools.watchPool, statement, values),
    once: (statement, values) => available(runOn(pools.pool, statement, values)),
    onceKept: (statement, values) => available(runOn(pools.batchPool, statement, values)),
    repeat: (statement, values) => repeatStatement(clock, () => run(statement, values)),
  };
}

async function available<Rows>(running: Promise<Rows>): Promise<Rows> {
  try {
    return await running;
  } catch (error) {
    if (isConnectionLost(error))
      throw new StoreUnavailable("Postgres can't be reached", { cause: error });
    throw error;
  }
}

/** Made with {@link storePoolOptions} and, for batches, {@link batchPoolOptions}; whoever made them ends them. */
export interface StorePools {
  readonly pool: pg.Pool;
  readonly batchPool: pg.Pool;
  /** One connection is enough. */
  readonly watchPool: pg.Pool;
}

/**
 * Custom plans, because a plan made for an empty partition is never reconsidered; no sequential scans, because a
 * never-analysed `head` invites them. A gateway frozen inside a transaction must not hold its locks.
 */
export function storePoolOptions(databaseUrl: string, size: number): pg.PoolConfig {
  return poolOptions(databaseUrl, size, "-c plan_cache_mode=force_custom_plan");
}

/**
 * The batches take the rows of `head` by their keys and insert into partitions: there is one good plan, whatever the
 * arrays hold, and planning it anew took 1.2 of 3.7 ms of two 25-row statements. With nested loops alone, and keys looked
 * up by `sameKey`, it can't be missed, also where it is made while `head` is empty. A claim of tasks is planned in 1.1 ms
 * and done in 0.7.
 */
export function batchPoolOptions(databaseUrl: string, size: number): pg.PoolConfig {
  return poolOptions(
    databaseUrl,
    size,
    "-c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off",
  );
}

function poolOptions(databaseUrl: string, size: number, planning: string): pg.PoolConfig {
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
    options: `${planning} -c enable_seqscan=off -c jit=off`,
  };
}
