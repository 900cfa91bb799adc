import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DBOSClient } from "@dbos-inc/dbos-sdk";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { startBalancer } from "./balancer.ts";
import { freePort, killAllChildren, runCommand, startChild, until, type Child } from "./child.ts";
import { openMesh } from "./mesh-admin.ts";
import { BrokenPromise, chapter, holds, say, table } from "./narrate.ts";
import { executionsOf } from "./profile-dataset.ts";
import { askStorefront, type Storefront } from "./storefront-client.ts";

const gatewayCommand = fileURLToPath(
  new URL("../../node_modules/.bin/nexus-mesh-gateway", import.meta.url),
);
const dataset = "movies.json";

/** Closed in reverse order, whatever happens in between. */
const closing: (() => Promise<void>)[] = [];
const began = Date.now();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.exitCode = 1;
    void closeAll().finally(() => process.exit(1));
  });
}

try {
  await demo();
  console.log(`\nEvery step held, in ${((Date.now() - began) / 1_000).toFixed(0)} s.`);
} catch (error) {
  process.exitCode = 1;
  console.error(
    error instanceof BrokenPromise
      ? `\n   ✗ ${error.message}: this did not hold.`
      : `\n   ✗ ${error instanceof Error ? error.message : String(error)}`,
  );
} finally {
  await closeAll();
}

async function demo(): Promise<void> {
  chapter("A mesh: one Postgres, two gateways, one public URL");
  const folder = await mkdtemp(join(tmpdir(), "nexus-mesh-demo-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  closing.push(() => postgres.stop());
  const ports = {
    public: await freePort(),
    first: await freePort(),
    second: await freePort(),
    insights: await freePort(),
    storefront: await freePort(),
  };
  const meshUrl = `http://127.0.0.1:${ports.public}`;
  const settings = {
    DATABASE_URL: postgres.url,
    NEXUS_MESH_MASTER_KEY: randomBytes(32).toString("base64url"),
    NEXUS_MESH_PUBLIC_URL: meshUrl,
  };
  await runCommand([gatewayCommand, "migrate"], settings);
  const adminToken = (await runCommand([gatewayCommand, "bootstrap"], settings)).trim();
  const first = await startGateway("the first gateway", ports.first, settings);
  const second = await startGateway("the second gateway", ports.second, settings);
  const balancer = await startBalancer(ports.public, [ports.first, ports.second]);
  closing.push(() => balancer.close());
  say(`Gateways ${first.pid} and ${second.pid} behind ${meshUrl}; the schema is migrated, the first admin token made.`);

  chapter("Two teams: insights exposes `analytics`, storefront is granted it");
  const mesh = openMesh(meshUrl, adminToken);
  const tokens = await mesh.addTeams(["insights", "storefront", "marketing"]);
  await mesh.expose("analytics", "insights", `http://127.0.0.1:${ports.insights}/nexus`);
  if (process.env["DEMO_BREAK"] !== "grant") await mesh.grant("analytics", "storefront");

  const sideEffects = join(folder, "side-effects.log");
  const insightsDatabase = databaseNamed(postgres.url, "insights");
  const startInsights = async (): Promise<Child> => {
    const child = startTeam("insights", {
      PORT: String(ports.insights),
      MESH_URL: meshUrl,
      DATABASE_URL: insightsDatabase,
      SIDE_EFFECTS: sideEffects,
    });
    await child.line((line) => line === "ready");
    return child;
  };
  let insights = await startInsights();
  const storefrontProcess = startTeam("storefront", {
    PORT: String(ports.storefront),
    MESH_URL: meshUrl,
    TOKEN: tokens.get("storefront") ?? "",
    CALLBACK_SECRET: await mesh.callbackSecret("storefront"),
    MARKETING_TOKEN: tokens.get("marketing") ?? "",
  });
  await storefrontProcess.line((line) => line === "ready");
  const storefront = askStorefront(`http://127.0.0.1:${ports.storefront}`);
  say(`insights is process ${insights.pid} with a DBOS workflow, storefront is process ${storefrontProcess.pid}.`);

  chapter("A synchronous call");
  const columns = await storefront.columns(dataset);
  say(`storefront asks for the columns of ${dataset}; insights answers: ${columns.slice(0, 4).join(", ")}, …`);
  holds("the answer came back through the mesh", columns.includes("Title"));

  chapter("An asynchronous call, its signed completion");
  const plain = await storefront.profile(dataset, "profile-1");
  say(`the mesh accepted operation ${plain.id}; storefront goes on with its day`);
  const profile = await completionOf(storefront, plain.id);
  holds("the completion arrived and its signature is genuine", profile.state === "succeeded");
  say(`${profile.rows ?? 0} rows, ${profile.columns ?? 0} columns profiled in four durable steps`);

  chapter("The handler is killed in the middle of a step");
  const crashed = await storefront.profile(dataset, "profile-2");
  const workflowId = await mesh.keyOf(sideEffects, crashed.id);
  void workflowId;
  insights = await insightsDies(insights, startInsights, sideEffects);

  void executionsOf;
  void until;
  void DBOSClient;
  void table;
}
