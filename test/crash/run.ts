import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crashPoints } from "@nexus-mesh/gateway/crash-points";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import pg from "pg";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { seedMesh } from "../harness/seed-mesh.ts";
import { crashScenario, type CrashRow, type Mesh } from "./crash-scenario.ts";

/** `npm run test:crash [-- point …]`: kills a gateway at every crash point, and fails if one was not reached. */
const asked = process.argv.slice(2);
const points = crashPoints.filter((point) => asked.length === 0 || asked.includes(point));
const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-crash-"));
// Passable for the user that Postgres runs as, so that it needs no other folder when this one is root's.
await chmod(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, fsync: false });
const rows: CrashRow[] = [];
try {
  print(`${"point".padEnd(22)} reached accepted  lost  settled twice  callbacks owed  delivered`);
  for (const point of points) {
    const row = await crashScenario(point, await freshMesh());
    rows.push(row);
    print(
      `${point.padEnd(22)} ${(row.reached ? "yes" : "NO").padEnd(7)} ${String(row.accepted).padStart(8)} ${String(row.lost).padStart(5)} ${String(row.settledTwice).padStart(14)} ${String(row.callbacksOwed).padStart(15)} ${String(row.callbacksDelivered).padStart(10)}`,
    );
    if (!held(row)) print(row.log);
  }
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
const failed = rows.filter((row) => !held(row)).length;
print(`${rows.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1;

function held(row: CrashRow): boolean {
  return (
    row.reached &&
    row.lost === 0 &&
    row.settledTwice === 0 &&
    row.callbacksDelivered === row.callbacksOwed
  );
}

/** A database of its own for each point. Leases are short, so that a takeover takes seconds. */
async function freshMesh(): Promise<Mesh> {
  const name = `crash_${randomUUID().replaceAll("-", "")}`;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  const masterKeys = [randomBytes(32).toString("base64url")];
  const options = (port: number, publicUrl: string): GatewayOptions => ({
    ...defaultGatewayOptions,
    databaseUrl: url.href,
    publicUrl,
    port,
    opsPort: 0,
    masterKeys,
    poolSize: 4,
    leaseMs: 3_000,
    requestTimeoutMs: 2_000,
    backoff: { firstMs: 100, maxMs: 1_000 },
    allowUnsafeDatabase: true,
  });
  return {
    databaseUrl: url.href,
    options,
    freePort,
    prepare: (publicUrl, handlerUrl) => seedMesh(options(0, publicUrl), "crashing", handlerUrl),
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
