import { afterEach, beforeEach, expect, test } from "vitest";
import { Pool } from "pg";
import { dumpSchema } from "../../registry/src/dump-schema.ts";
import {
  assertSchema,
  migrate,
  readMigrations,
  SchemaTooNew,
  SchemaTooOld,
} from "../../registry/src/migrate.ts";
import { createEmptyDatabase, type TestDatabase } from "../harness/postgres.ts";

let database: TestDatabase;
let pool: Pool;

beforeEach(async () => {
  database = await createEmptyDatabase();
  pool = new Pool({ connectionString: database.url, max: 4 });
  // end() resolves before its sockets are closed, and the drop of the database ends them.
  pool.on("error", () => undefined);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const newer = { number: 9000, name: "newer", sql: "create table newer (id int)" };

test("migrations run once, also when gateways start together and again", async () => {
  const known = (await readMigrations()).map((migration) => migration.number);
  const together = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)));
  expect(together.flatMap((run) => run.applied)).toEqual(known);
  expect(await migrate(database.url)).toEqual({ applied: [] });
  await assertSchema(pool);
});

test("a migration that fails leaves nothing, and the next run applies it", async () => {
  await migrate(database.url);
  const broken = { ...newer, breaking: false, sql: `${newer.sql}; select 1 / 0` };
  const all = [...(await readMigrations()), broken];
  await expect(migrate(database.url, all)).rejects.toThrow("migration 9000 newer failed");
  const { rows } = await pool.query("select to_regclass('newer') as made");
  expect(rows).toEqual([{ made: null }]);
  const repaired = [...(await readMigrations()), { ...newer, breaking: false }];
  expect(await migrate(database.url, repaired)).toEqual({ applied: [9000] });
});

test("an older gateway refuses a schema with a newer breaking change, and runs on any other", async () => {
  await migrate(database.url, [...(await readMigrations()), { ...newer, breaking: false }]);
  await assertSchema(pool);
  expect(await migrate(database.url)).toEqual({ applied: [] });

  await pool.query("update migration set breaking = true where number = 9000");
  await expect(assertSchema(pool)).rejects.toThrow(SchemaTooNew);
  await expect(migrate(database.url)).rejects.toThrow(SchemaTooNew);
});

test("a gateway refuses a database that was not migrated or not far enough", async () => {
  await expect(assertSchema(pool)).rejects.toThrow(SchemaTooOld);
  const [first] = await readMigrations();
  await migrate(database.url, first === undefined ? [] : [first]);
  await expect(assertSchema(pool)).rejects.toThrow(/lacks 2 data_plane/);
});

test("schema.sql is what the migrations add up to (vitest -u writes it)", async () => {
  await migrate(database.url);
  await expect(await dumpSchema(pool)).toMatchFileSnapshot("../../registry/schema.sql");
});
