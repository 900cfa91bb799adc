import { once } from "node:events";
import type { Server } from "node:http";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatewayContext } from "../../gateway/src/gateway-context.ts";
import { watchHealth, type Health } from "../../gateway/src/health.ts";
import { generateMasterKey } from "../../gateway/src/identity/master-key.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";
import { createOpsListener } from "../../gateway/src/ops-listener.ts";
import { defaultGatewayOptions } from "../../gateway/src/options.ts";
import { readDatabaseFacts, type DatabaseFacts } from "../../gateway/src/store/database-facts.ts";
import { Pool } from "pg";
import { portOf } from "../harness/port-of.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";
import { openIdentity, publicUrl, type OpenIdentity } from "./open-identity.ts";

const masterKeys = [generateMasterKey()];
const good: DatabaseFacts = { clockOffsetMs: 5, unsafeSettings: [], pooled: false };
let database: TestDatabase;
let identity: OpenIdentity;

beforeAll(async () => {
  database = await createDatabase();
  identity = await openIdentity(database, masterKeys);
});
afterAll(async () => {
  await identity.close();
  await database.drop();
});

describe("readiness", () => {
  it.each([
    ["a good database", good, 7, {}, []],
    ["a clock that is 11 min off", { ...good, clockOffsetMs: -660_000 }, 7, {}, [/11 min off/]],
    ["a clock that is 9 min off", { ...good, clockOffsetMs: 540_000 }, 7, {}, []],
    ["fsync off", { ...good, unsafeSettings: ["fsync"] }, 7, {}, [/fsync is off/]],
    [
      "fsync off, and accepted",
      { ...good, unsafeSettings: ["fsync"] },
      7,
      { allowUnsafeDatabase: true },
      [],
    ],
    ["one partition ahead", good, 1, {}, [/1 days ahead/]],
  ])("with %s", async (_name, facts, daysAhead, options, expected) => {
    const health = await watch(facts, daysAhead, options);
    try {
      expect(health.problems()).toHaveLength(expected.length);
      for (const text of expected) expect(health.problems().join()).toMatch(text);
    } finally {
      await health.close();
    }
  });

  it("corrects the clock to the database's", async () => {
    const health = await watch({ ...good, clockOffsetMs: 90_000 }, 7, {});
    try {
      expect(Math.round((identity.clock.now() - Date.now()) / 1000)).toBe(90);
    } finally {
      identity.clock.setOffset(0);
      await health.close();
    }
  });

  it("reads from Postgres what it judges", async () => {
    const pool = new Pool({ connectionString: database.url, max: 1 });
    try {
      const facts = await readDatabaseFacts(pool);
      expect(Math.abs(facts.clockOffsetMs)).toBeLessThan(60_000);
      // The test server runs without them.
      expect([...facts.unsafeSettings].sort()).toEqual([
        "fsync",
        "full_page_writes",
        "synchronous_commit",
      ]);
      expect(facts.pooled).toBe(false);
    } finally {
      await pool.end();
    }
  });
});

describe("the operations' listener", () => {
  let health: Health;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    health = await watch(good, 7, {});
    server = createOpsListener(context({}), health, () => Promise.resolve());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${portOf(server.address())}`;
  });
  afterAll(async () => {
    await health.close();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  it("answers health, readiness and metrics, and nothing else", async () => {
    expect(await get("/healthz")).toEqual([200, { status: "ok" }]);
    expect(await get("/readyz")).toEqual([200, { status: "ok" }]);
    const metrics = await fetch(`${url}/metrics`);
    expect(await metrics.text()).toMatch(/^nexus_mesh_snapshot_version \d+$/m);
    expect((await get("/v1/version"))[0]).toBe(404);
  });

  it("is not ready from the first moment of a drain, and alive all the same", async () => {
    health.drain();
    expect(await get("/readyz")).toEqual([
      503,
      { status: "not ready", problems: ["this gateway is shutting down"] },
    ]);
    expect((await get("/healthz"))[0]).toBe(200);
  });

  async function get(path: string): Promise<[number, unknown]> {
    const response = await fetch(`${url}${path}`);
    return [response.status, await response.json()];
  }
});

const metrics = createMetrics();

function context(options: Partial<GatewayContext["options"]>) {
  return {
    options: {
      ...defaultGatewayOptions,
      databaseUrl: database.url,
      publicUrl,
      masterKeys,
      ...options,
    },
    clock: identity.clock,
    log: pino({ level: "silent" }),
    registry: identity.registry,
    metrics,
  };
}

function watch(
  facts: DatabaseFacts,
  daysAhead: number,
  options: Partial<GatewayContext["options"]>,
): Promise<Health> {
  return watchHealth(context(options), {
    facts: () => Promise.resolve(facts),
    partitions: () => Promise.resolve(daysAhead),
  });
}
