import type { Pool } from "pg";

const tables = ["operation", "outcome", "attempt"] as const;
const dayMs = 86_400_000;
/** Beside the migrations' one. */
const lock = 0x6e65787574;

/** Makes the partitions of today and the days ahead, by UUIDv7 range; what exists is left alone. Returns how many were made. */
export async function ensurePartitions(
  pool: Pool,
  { now, daysAhead = 7 }: { now: number; daysAhead?: number },
): Promise<number> {
  let made = 0;
  const today = Math.floor(now / dayMs);
  const existing = await partitionNames(pool);
  // Yesterday too: an id may be minted right before midnight and written right after.
  for (let day = today - 1; day <= today + daysAhead; day += 1) {
    for (const table of tables) {
      if (existing.has(partitionName(table, day))) continue;
      await attach(pool, table, day);
      made += 1;
    }
  }
  return made;
}

/** Days from now on for which every table has its partition; readiness fails below 2. */
export async function partitionDaysAhead(pool: Pool, now: number): Promise<number> {
  const existing = await partitionNames(pool);
  const today = Math.floor(now / dayMs);
  let day = today;
  while (tables.every((table) => existing.has(partitionName(table, day)))) day += 1;
  return day - 1 - today;
}

/**
 * Detaches and drops partitions older than the retention, whole days at a time, oldest first. One that still holds an
 * operation which runs, owes something, has an open callback or ended within its dedupe window is kept: what ran longer
 * than the retention can still be read after its end. A parked callback goes with its operation's day: there is nothing
 * left that it could deliver.
 */
export async function dropExpiredPartitions(
  pool: Pool,
  { now, retentionDays, batch = 500 }: { now: number; retentionDays: number; batch?: number },
): Promise<{ dropped: string[]; kept: string[]; callbacks: number }> {
  const firstKept = Math.floor(now / dayMs) - retentionDays;
  const dropped: string[] = [];
  const kept: string[] = [];
  let callbacks = 0;
  const days = (await partitionTables(pool))
    .map((name) => ({ name, day: dayOf(name) }))
    .filter(({ day }) => day < firstKept);
  for (const day of [...new Set(days.map((found) => found.day))].sort((a, b) => a - b)) {
    const names = days.filter((found) => found.day === day).map((found) => found.name);
    const used = await inUse(pool, day);
    if (!used) callbacks += await deleteEndedCallbacks(pool, day, batch);
    // What is left is being redelivered at this moment: its operation must stay.
    if (used || (await hasCallbacks(pool, day))) kept.push(...names);
    else {
      for (const name of names) await drop(pool, name);
      dropped.push(...names);
    }
  }
  return { dropped, kept, callbacks };
}

async function attach(pool: Pool, table: (typeof tables)[number], day: number): Promise<void> {
  const name = partitionName(table, day);
  const client = await pool.connect();
  try {
    await client.query("begin");
    // Gateways that start together make them one after another; `if not exists` alone fails in many ways under races.
    await client.query("select pg_advisory_xact_lock($1)", [lock]);
    // A waiting ATTACH blocks every accept behind it: rather give up and come again.
    await client.query("set local lock_timeout = '2s'");
    await client.query(`create table if not exists ${name} (like ${table} including all)`);
    const attached = await client.query("select 1 from pg_inherits where inhrelid = $1::regclass", [
      name,
    ]);
    if (attached.rowCount === 0) {
      await client.query(
        `alter table ${table} attach partition ${name} for values from ('${dayBound(day)}') to ('${dayBound(day + 1)}')`,
      );
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

async function inUse(pool: Pool, day: number): Promise<boolean> {
  const { rows } = await pool.query<{ used: boolean }>(
    `select exists (select 1 from head where id >= $1 and id < $2)
         or exists (select 1 from callback where id >= $1 and id < $2 and state in (0, 1)) as used`,
    [dayBound(day), dayBound(day + 1)],
  );
  return rows[0]?.used !== false;
}

/** Delivered and parked ones, few at a time: no delete may hold up a redelivery, or bloat the table at one go. */
async function deleteEndedCallbacks(pool: Pool, day: number, batch: number): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await pool.query(
      `with d as (
         select key, id, url_hash from callback where id >= $1 and id < $2 and state in (2, 3)
         order by id limit $3 for update skip locked
       )
       delete from callback using d
       where callback.key = d.key and callback.id = d.id and callback.url_hash = d.url_hash`,
      [dayBound(day), dayBound(day + 1), batch],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < batch) return deleted;
  }
}

async function hasCallbacks(pool: Pool, day: number): Promise<boolean> {
  const { rows } = await pool.query<{ left: boolean }>(
    "select exists (select 1 from callback where id >= $1 and id < $2) as left",
    [dayBound(day), dayBound(day + 1)],
  );
  return rows[0]?.left !== false;
}

async function drop(pool: Pool, name: string): Promise<void> {
  const table = name.slice(0, name.lastIndexOf("_"));
  const client = await pool.connect();
  try {
    await client.query("set lock_timeout = '2s'");
    const { rows } = await client.query<{ pending: boolean }>(
      "select inhdetachpending as pending from pg_inherits where inhrelid = to_regclass($1)",
      [name],
    );
    const [attached] = rows;
    // A detach that gave up waiting for a reader is half done: it can only be finished, not begun again.
    if (attached !== undefined)
      await client.query(
        `alter table ${table} detach partition ${name} ${attached.pending ? "finalize" : "concurrently"}`,
      );
    await client.query(`drop table if exists ${name}`);
  } finally {
    await client.query("reset lock_timeout");
    client.release();
  }
}

/** Detached ones too: a gateway may have ended between the detach and the drop. */
async function partitionTables(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname ~ $1",
    [`^(${tables.join("|")})_[0-9]{8}$`],
  );
  return rows.map((row) => row.name);
}

async function partitionNames(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = any($1) and c.relkind = 'r'`,
    [tables],
  );
  return new Set(rows.map((row) => row.name));
}

function partitionName(table: string, day: number): string {
  return `${table}_${new Date(day * dayMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function dayOf(name: string): number {
  const text = name.slice(-8);
  return Date.parse(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}T00:00:00Z`) / dayMs;
}

/** The smallest UUIDv7 of a day: 48 bits of epoch milliseconds, all else zero. */
function dayBound(day: number): string {
  const hex = (day * dayMs).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
