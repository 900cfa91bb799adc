import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { startBalancer } from "./balancer.ts";
import { runCommand, startChild, type Child } from "./child.ts";
import { onClose } from "./closing.ts";
import { meshAdmin, type MeshAdmin } from "./mesh-admin.ts";
import { chapter, say } from "./narrate.ts";
import { storefrontAt, type Ask } from "./storefront-client.ts";

export interface Stage {
  readonly mesh: MeshAdmin;
  readonly gateways: readonly [Child, Child];
  readonly storefront: Ask;
  readonly insights: Child;
  /** Starts insights once more after its process was killed. */
  restartInsights(): Promise<Child>;
  /** A worker of fulfilment, under a name. */
  startFulfilment(worker: string): Promise<Child>;
  readonly insightsDatabase: string;
  /** Where the handler's steps leave their mark on the world. */
  readonly sideEffects: string;
}

const gatewayCommand = fileURLToPath(
  new URL("../../node_modules/.bin/nexus-mesh-gateway", import.meta.url),
);

export async function setTheStage({ grant }: { grant: boolean }): Promise<Stage> {
  chapter("A mesh: one Postgres, two gateways, one public URL");
  const folder = await mkdtemp(join(tmpdir(), "nexus-mesh-demo-"));
  // Passable for the user that Postgres runs as where this is run as root.
  await chmod(folder, 0o755);
  onClose(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "mesh") });
  onClose(() => postgres.stop());

  const publicPort = await freePort();
  const meshUrl = `http://127.0.0.1:${publicPort}`;
  const settings = {
    DATABASE_URL: postgres.url,
    NEXUS_MESH_MASTER_KEY: randomBytes(32).toString("base64url"),
    NEXUS_MESH_PUBLIC_URL: meshUrl,
  };
  await runCommand([gatewayCommand, "migrate"], settings);
  const adminToken = (await runCommand([gatewayCommand, "bootstrap"], settings)).trim();
  const [first, second] = await Promise.all([
    startGateway("the first gateway", settings),
    startGateway("the second gateway", settings),
  ]);
  const balancer = await startBalancer(publicPort, [first.port, second.port]);
  onClose(() => balancer.close());
  say(`gateways ${first.child.pid} and ${second.child.pid} share ${meshUrl}`);

  chapter(
    "Three teams: insights exposes `analytics`, fulfilment `tours`; storefront may call both",
  );
  const mesh = meshAdmin(meshUrl, adminToken);
  const insightsPort = await freePort();
  const target = `http://127.0.0.1:${insightsPort}/nexus`;
  for (const team of ["insights", "fulfilment", "storefront", "marketing"])
    await mesh.addTeam(team);
  // None to fulfilment, which nobody can reach.
  for (const team of ["insights", "storefront"]) await mesh.allowRequestsTo(team);
  await mesh.expose("analytics", "insights", { kind: "http", url: target });
  await mesh.expose("tours", "fulfilment", { kind: "queue", queue: "tours" });
  if (grant) await mesh.grant("analytics", "storefront");
  await mesh.grant("tours", "storefront");

  const insightsDatabase = new URL(postgres.url);
  insightsDatabase.pathname = "/insights";
  const sideEffects = join(folder, "side-effects.log");
  const startInsights = (): Promise<Child> =>
    startTeam("insights", {
      PORT: String(insightsPort),
      TARGET: target,
      MESH_URL: meshUrl,
      DATABASE_URL: insightsDatabase.href,
      SIDE_EFFECTS: sideEffects,
    });
  const workerToken = await mesh.issueToken("fulfilment", "handler");
  const storefrontPort = await freePort();
  const [insights, storefront] = await Promise.all([
    startInsights(),
    startTeam("storefront", {
      PORT: String(storefrontPort),
      MESH_URL: meshUrl,
      TOKEN: await mesh.issueToken("storefront", "caller"),
      MARKETING_TOKEN: await mesh.issueToken("marketing", "caller"),
      CALLBACK_SECRET: await mesh.callbackSecret("storefront"),
    }),
  ]);
  say(
    `insights is process ${insights.pid}, its handler a DBOS workflow; storefront is process ${storefront.pid}`,
  );
  say("fulfilment has no address: its endpoint points at a queue of its own");
  return {
    mesh,
    gateways: [first.child, second.child],
    storefront: storefrontAt(`http://127.0.0.1:${storefrontPort}`),
    insights,
    restartInsights: startInsights,
    startFulfilment: (worker) =>
      startTeam("fulfilment", { MESH_URL: meshUrl, TOKEN: workerToken, WORKER: worker }),
    insightsDatabase: insightsDatabase.href,
    sideEffects,
  };
}

async function startGateway(
  name: string,
  settings: Record<string, string>,
): Promise<{ child: Child; port: number }> {
  const [port, opsPort] = [await freePort(), await freePort()];
  const command = [gatewayCommand, "serve", "--port", String(port), "--ops-port", String(opsPort)];
  const child = startChild(name, command, settings);
  onClose(() => child.kill("SIGTERM"));
  await child.line((line) => line.includes("the gateway listens"));
  return { child, port };
}

async function startTeam(name: string, settings: Record<string, string>): Promise<Child> {
  const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const child = startChild(name, [process.execPath, "--import", "tsx", script], settings);
  onClose(() => child.kill("SIGTERM"));
  await child.line((line) => line === "ready");
  return child;
}
