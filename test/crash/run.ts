import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crashPoints, queuePoints } from "@nexus-mesh/gateway/crash-points";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import pg from "pg";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { seedMesh } from "../harness/seed-mesh.ts";
import { held, tableHead, tableLine, type CrashRow } from "./crash-row.ts";
import { crashScenario, type Mesh } from "./crash-scenario.ts";
import { openQueueMesh, type QueueMesh } from "./queue-crash-scenario.ts";

/** `npm run test:crash [-- point …]`: kills a gateway at every crash point, and fails if one was not reached. */
const asked = process.argv.slice(2);
const points = crashPoints.filter((point) => asked.length === 0 || asked.includes(point));
const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-crash-"));
// Passable for the user that Postgres runs as, so that it needs no other folder when this one is root's.
await chmod(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, fsync: false });
const rows: CrashRow[] = [];
/** One for all of its points: its own gateway dies in none of them. */
let queueMesh: QueueMesh | undefined;
try {
  print(tableHead);
  for (const point of points) {
    const queuePoint = queuePoints.find((name) => name === point);
    const row =
      queuePoint === undefined
        ? await crashScenario(point, await freshMesh())
        : await (queueMesh ??= await openQueueMesh(await freshMesh())).play(queuePoint);
    rows.push(row);
    print(tableLine(row));
    if (!held(row)) print(row.log);
  }
} finally {
  await queueMesh?.close();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
const failed = rows.filter((row) => !held(row)).length;
print(`${rows.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1;

/** A database of its own. Leases are short, so that a takeover takes seconds. */
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
