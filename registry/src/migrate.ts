import { readdir, readFile } from "node:fs/promises";
import pg from "pg";

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** A gateway that does not know it must not run on the schema. */
  readonly breaking: boolean;
  readonly sql: string;
}

export class SchemaTooNew extends Error {
  override readonly name = "SchemaTooNew";
}
export class SchemaTooOld extends Error {
  override readonly name = "SchemaTooOld";
}

const folder = new URL("../migrations/", import.meta.url);
/** Any number that nothing else on this database locks: "nexus". */
const lock = 0x6e65787573;

export async function readMigrations(from: URL = folder): Promise<Migration[]> {
  const files = (await readdir(from)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(new URL(file, from), "utf8");
      return {
        number: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        breaking: /^-- breaking: yes$/m.test(sql),
        sql,
      };
    }),
  );
}

/**
 * Applies what is missing, forward only, each in a transaction of its own that writes its row first; gateways that start
 * together wait for one another. Throws {@link SchemaTooNew} where a newer gateway made a breaking change.
 */
export async function migrate(
  connectionString: string,
  migrations?: readonly Migration[],
): Promise<{ applied: number[] }> {
  const known = migrations ?? (await readMigrations());
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [lock]);
    await client.query(
      "create table if not exists migration (number int primary key, name text not null, breaking boolean not null, at timestamptz not null default now())",
    );
    const { rows } = await client.query<AppliedRow>(
      "select number, name, breaking from migration order by number",
    );
    refuseNewer(rows, known);
    const done = new Set(rows.map((row) => row.number));
    const applied: number[] = [];
    for (const migration of known) {
      if (done.has(migration.number)) continue;
      await apply(client, migration);
      applied.push(migration.number);
    }
    return { applied };
  } finally {
    // Ends the session, and with it the advisory lock.
    await client.end();
  }
}

/** What a gateway asks at its start: every migration it knows is there, and none it does not know is breaking. */
export async function assertSchema(pool: pg.Pool): Promise<void> {
  const known = await readMigrations();
  const { rows: found } = await pool.query<{ there: boolean }>(
    "select to_regclass('migration') is not null as there",
  );
  if (found[0]?.there !== true)
    throw new SchemaTooOld("the database has no Nexus Mesh schema: run nexus-mesh-gateway migrate");
  const { rows } = await pool.query<AppliedRow>(
    "select number, name, breaking from migration order by number",
  );
  refuseNewer(rows, known);
  const missing = known.filter((migration) => !rows.some((row) => row.number === migration.number));
  if (missing.length > 0) {
    const names = missing.map((migration) => `${migration.number} ${migration.name}`).join(", ");
    throw new SchemaTooOld(`the schema lacks ${names}: run nexus-mesh-gateway migrate`);
  }
}

interface AppliedRow {
  readonly number: number;
  readonly name: string;
  readonly breaking: boolean;
}

function refuseNewer(applied: readonly AppliedRow[], known: readonly Migration[]): void {
  const newer = applied.find(
    (row) => row.breaking && !known.some((migration) => migration.number === row.number),
  );
  if (newer !== undefined) {
    const last = known.at(-1);
    throw new SchemaTooNew(
      `migration ${newer.number} ${newer.name} of a newer release is breaking: update this gateway, which knows migrations up to ${last?.number ?? 0} ${last?.name ?? ""}`,
    );
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query("begin");
  try {
    await client.query("insert into migration (number, name, breaking) values ($1, $2, $3)", [
      migration.number,
      migration.name,
      migration.breaking,
    ]);
    await client.query(migration.sql);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw new Error(`migration ${migration.number} ${migration.name} failed`, { cause: error });
  }
}
