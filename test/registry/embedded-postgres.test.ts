import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { Client } from "pg";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "../../gateway/src/dev/embedded-postgres.ts";

const running: EmbeddedPostgres[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, fsync: false });
  running.push(server);
  // As root the files may be elsewhere.
  folders.push(path.dirname(server.dataDir), dataDir);
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test("an orphaned Postgres is adopted, a stopped one is started anew with its data", async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-embedded-"));
  const first = await start(dataDir);
  await query(first.url, "create table kept (n int)");

  // What a killed gateway leaves: nobody called stop().
  const adopted = await start(dataDir);
  expect(adopted.pid).toBe(first.pid);
  expect(adopted.url).toBe(first.url);

  await adopted.stop();
  await expect(query(first.url, "select 1")).rejects.toThrow("ECONNREFUSED");
  const restarted = await start(dataDir);
  expect(restarted.pid).not.toBe(first.pid);
  expect(await query(restarted.url, "select * from kept")).toEqual([]);
  expect(await query(restarted.url, "show server_encoding")).toEqual([{ server_encoding: "UTF8" }]);

  const wrong = new URL(restarted.url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "select 1")).rejects.toThrow("password authentication failed");
  const log = await readFile(path.join(restarted.dataDir, "..", "postgres.log"), "utf8");
  expect(log).not.toContain(new URL(restarted.url).password);
});
