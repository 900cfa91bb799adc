import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { readMigrations } from "@nexus-mesh/registry/migrate";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testMasterKey } from "../harness/gateway.ts";
import { startGatewayProcess } from "../harness/gateway-process.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";

const bin = fileURLToPath(new URL("../../gateway/bin/nexus-mesh-gateway.js", import.meta.url));
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

/** What a newer release's `migrate` leaves. */
async function applyNewer(breaking: boolean): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(
    "insert into migration (number, name, breaking) values (9001, 'split_heads', $1)",
    [breaking],
  );
  await client.end();
}

async function serveUntilItEnds(): Promise<{ code: number | null; said: string }> {
  const port = await freePort();
  const flags = ["--port", String(port), "--ops-port", String(await freePort())];
  const publicUrl = ["--public-url", `http://127.0.0.1:${port}`];
  const child = spawn(process.execPath, [bin, "serve", ...flags, ...publicUrl], {
    env: { ...process.env, DATABASE_URL: database.url, NEXUS_MESH_MASTER_KEY: testMasterKey },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

test("a gateway refuses a schema that a newer release broke, and names both versions", async () => {
  await applyNewer(true);
  const known = (await readMigrations()).at(-1);
  const { code, said } = await serveUntilItEnds();
  // EX_CONFIG: somebody must change something first.
  expect(code).toBe(78);
  expect(said).toContain("9001 split_heads");
  expect(said).toContain("update this gateway");
  expect(said).toContain(`${known?.number} ${known?.name}`);
  expect(said).not.toContain("the gateway listens");
});

test("a gateway serves on a newer schema that is not breaking", async () => {
  await applyNewer(false);
  const gateway = await startGatewayProcess({ databaseUrl: database.url });
  try {
    const health = await fetch(`${gateway.url}/healthz`);
    expect(health.status).toBe(200);
    await health.arrayBuffer();
  } finally {
    await gateway.close();
  }
});
