import { readFile, readdir } from "node:fs/promises";
import type pg from "pg";

export interface PostgresCost {
  /** CPU of every process of the server, in µs. */
  readonly cpu: number;
  readonly walBytes: number;
}

const ticksPerSecond = 100;

/**
 * CPU from /proc: of those that live by the scheduler's nanoseconds, of those that have ended by the postmaster's ticks.
 * The client stays open between two readings, for a connection costs 5 ms.
 */
export async function postgresCost(postmaster: number, client: pg.Client): Promise<PostgresCost> {
  const { rows } = await client.query<{ lsn: string }>(
    "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as lsn",
  );
  let cpu = 0;
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
    const schedstat = await readFile(`/proc/${entry}/schedstat`, "utf8").catch(() => undefined);
    cpu += Number(schedstat?.split(" ")[0] ?? 0) / 1_000;
    if (Number(entry) === postmaster)
      cpu += (((fields[13] ?? 0) + (fields[14] ?? 0)) * 1_000_000) / ticksPerSecond;
  }
  return { cpu, walBytes: Number(rows[0]?.lsn ?? 0) };
}
