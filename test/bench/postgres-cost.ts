import { readFile, readdir } from "node:fs/promises";
import pg from "pg";

export interface PostgresCost {
  /** CPU of every process of the server, in µs. */
  readonly cpu: number;
  readonly walBytes: number;
}

const ticksPerSecond = 100;

/** CPU from /proc (children that have ended are counted in the postmaster's own figures). */
export async function postgresCost(
  postmaster: number,
  connectionString: string,
): Promise<PostgresCost> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ lsn: string }>(
    "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as lsn",
  );
  await client.end();
  let ticks = 0;
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined) continue;
    // The command may hold spaces; the fields begin after its closing parenthesis.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const parent = fields[1];
    if (Number(entry) !== postmaster && parent !== postmaster) continue;
    ticks += (fields[11] ?? 0) + (fields[12] ?? 0);
    if (Number(entry) === postmaster) ticks += (fields[13] ?? 0) + (fields[14] ?? 0);
  }
  return { cpu: (ticks * 1_000_000) / ticksPerSecond, walBytes: Number(rows[0]?.lsn ?? 0) };
}
