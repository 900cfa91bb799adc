import type { ClientBase, Pool } from "pg";

export interface DatabaseFacts {
  /** Database time minus process time in ms, at the middle of the round trip. */
  readonly clockOffsetMs: number;
  /** Settings without which a commit may be forgotten: the names of those that are off. */
  readonly unsafeSettings: readonly string[];
  /** Something that speaks for Postgres stands between: LISTEN and session settings get lost in transaction mode. */
  readonly pooled: boolean;
}

const durability = ["fsync", "full_page_writes", "synchronous_commit"];

export async function readDatabaseFacts(pool: Pool): Promise<DatabaseFacts> {
  const client = await pool.connect();
  try {
    // The first answer of a new connection also pays for its warm-up.
    await client.query("select 1");
    const sentAt = Date.now();
    const { rows } = await client.query<{ now: number; pid: number; off: string[] }>(
      `select extract(epoch from clock_timestamp())::float8 * 1000 as now, pg_backend_pid() as pid,
              array(select name from pg_settings where name = any($1) and setting = 'off') as off`,
      [durability],
    );
    const receivedAt = Date.now();
    const [row] = rows;
    if (row === undefined) throw new Error("Postgres answered a select without a row");
    const announced = announcedPid(client);
    return {
      clockOffsetMs: row.now - (sentAt + receivedAt) / 2,
      unsafeSettings: row.off,
      pooled: announced !== undefined && announced !== row.pid,
    };
  } finally {
    client.release();
  }
}

/** The pid of the cancel key: a pooler hands out one of its own. */
function announcedPid(client: ClientBase): number | undefined {
  return "processID" in client && typeof client.processID === "number"
    ? client.processID
    : undefined;
}
