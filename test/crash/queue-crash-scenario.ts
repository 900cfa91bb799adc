import { setTimeout as delay } from "node:timers/promises";
import type { QueuePoint } from "@nexus-mesh/gateway/crash-points";
import { createGateway } from "@nexus-mesh/gateway/server";
import { migrate } from "@nexus-mesh/registry/migrate";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { createWorker, workerContext } from "@nexus-mesh/sdk/worker";
import { operation, service, serviceHandler } from "nexus-rpc";
import pg from "pg";
import { startTcpProxy } from "../harness/proxy.ts";
import { seedEndpoint, seedGrant, seedNamespace, seedToken } from "../harness/seed.ts";
import { startChildGateway, type ChildGateway } from "./child-gateway.ts";
import { countRow, type CrashRow } from "./crash-row.ts";
import type { Mesh } from "./crash-scenario.ts";
import { start } from "./scripted-caller.ts";
import { startReceiver } from "./scripted-parties.ts";
import { vanishedWorker, type VanishedWorker } from "./scripted-worker.ts";
import { within } from "./within.ts";

/** The gateway that outlives all the others, and the teams' credentials. */
export interface QueueMesh {
  play(point: QueuePoint): Promise<CrashRow>;
  close(): Promise<void>;
}

const jobs = service("jobs", { run: operation<{ requestId: string }, string>() });
const operations = 4;
const leaseMs = 2_000;

/** For each point a child gateway dies while it serves workers, and another one on the same database goes on. */
export async function openQueueMesh(mesh: Mesh): Promise<QueueMesh> {
  const port = await mesh.freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const tokens = await seed(mesh, publicUrl);
  const heir = await startChildGateway(mesh.options(port, publicUrl), null);
  const pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 2 });

  async function play(point: QueuePoint): Promise<CrashRow> {
    const receiver = await startReceiver();
    const vanished = vanishedWorker(`${heir.url}/v1/namespaces/team/queues/work`, tokens.worker);
    const begin = (urls: readonly string[]): Promise<string[]> =>
      Promise.all(
        Array.from({ length: operations }, () => start(urls, receiver.url, tokens.caller)),
      );
    const dying = startChildGateway(mesh.options(await mesh.freePort(), publicUrl), point);
    let worker: SurvivingWorker | undefined;
    try {
      if (point.startsWith("hand-off:")) {
        const doomed = await dying;
        worker = await startWorker(doomed, vanished, point);
        await pollWaits(doomed);
        const [ids] = await Promise.all([begin([doomed.url, heir.url]), worker.survive(doomed)]);
        return await count(ids, doomed, worker);
      }
      const ids = await begin([heir.url]);
      while (vanished.taken() < operations) await vanished.take(operations);
      if (point.startsWith("put-down:")) {
        // Frozen, so that the other one sees the leases end.
        heir.signal("SIGSTOP");
        const doomed = await dying;
        await died(doomed);
        heir.signal("SIGCONT");
        worker = await startWorker(heir, vanished, point);
        return await count(ids, doomed, worker);
      }
      const doomed = await dying;
      await waitInQueue(ids);
      worker = await startWorker(doomed, vanished, point);
      await worker.survive(doomed);
      return await count(ids, doomed, worker);
    } finally {
      heir.signal("SIGCONT");
      await worker?.close();
      await (await dying).stop();
      await receiver.close();
    }

    async function count(
      ids: readonly string[],
      doomed: ChildGateway,
      { runs, refusals }: SurvivingWorker,
    ): Promise<CrashRow> {
      const row = await countRow(point, ids, { pool, receiver, doomed, heir });
      const { rows } = await pool.query<{ id: string; attempt: number }>(
        "select id, attempt from head where id = any($1)",
        [ids],
      );
      // Whoever vanished has begun with each that it took.
      const before = vanished.taken() / operations;
      const runsOf = (id: string): number => before + (runs.get(id) ?? 0);
      return {
        ...row,
        work: {
          leases: rows.reduce((sum, { attempt }) => sum + attempt, 0),
          runs: ids.reduce((sum, id) => sum + runsOf(id), 0),
          overrun: rows.filter(({ id, attempt }) => runsOf(id) > attempt).length,
          late: vanished.taken(),
          lateRefused: ids.filter((id) => refusals.get(id) === "LEASE_LOST").length,
        },
      };
    }
  }

  interface SurvivingWorker {
    /** operation id → how often this worker ran it. */
    readonly runs: ReadonlyMap<string, number>;
    /** operation id → what the vanished worker was told while this one ran it. */
    readonly refusals: ReadonlyMap<string, string | null>;
    /** Its gateway dies; where it dials, the heir answers from then on. */
    survive(doomed: ChildGateway): Promise<void>;
    close(): Promise<void>;
  }

  async function startWorker(
    gateway: ChildGateway,
    vanished: VanishedWorker,
    point: QueuePoint,
  ): Promise<SurvivingWorker> {
    const proxy = await startTcpProxy([upstream(gateway)]);
    const runs = new Map<string, number>();
    const refusals = new Map<string, string | null>();
    const handler = serviceHandler(jobs, {
      run: async (ctx) => {
        const id = ctx.headers[headerNames.operationId] ?? "";
        runs.set(id, (runs.get(id) ?? 0) + 1);
        if (vanished.taken() > 0) refusals.set(id, await vanished.answerLate(heir.url, id));
        workerContext(ctx).heartbeat({ step: 1, of: 2 });
        // Longer than its lease, which somebody has to keep.
        if (point.startsWith("heartbeat:")) await delay(leaseMs * 1.25);
        return "in time";
      },
    });
    const worker = createWorker({
      url: proxy.url,
      token: tokens.worker,
      namespace: "team",
      queue: "work",
      services: [handler],
      leaseMs,
      // That its gateway is dead is what it meets here; what comes of it is in the row.
      onError: () => undefined,
    });
    const run = worker.run();
    return {
      runs,
      refusals,
      async survive(doomed) {
        await died(doomed);
        proxy.setUpstreams([upstream(heir)]);
      },
      async close() {
        void worker.drain();
        await run;
        await proxy.close();
      },
    };
  }

  async function waitInQueue(ids: readonly string[]): Promise<void> {
    const all = await within(20_000, async () => {
      const found = await pool.query("select 1 from task where id = any($1)", [ids]);
      return found.rows.length === ids.length;
    });
    if (!all) throw new Error("not every task whose worker vanished came back to its queue");
  }

  return {
    play,
    async close() {
      await pool.end();
      await heir.stop();
    },
  };
}

async function seed(mesh: Mesh, publicUrl: string): Promise<{ caller: string; worker: string }> {
  await migrate(mesh.databaseUrl);
  const gateway = await createGateway({ ...mesh.options(0, publicUrl), opsPort: 0 });
  try {
    await seedNamespace(gateway, "team");
    const target = { name: "crashing", owner: "team", queue: "work" };
    await seedGrant(gateway, await seedEndpoint(gateway, target), "team");
    return {
      caller: await seedToken(gateway, "team"),
      worker: await seedToken(gateway, "team", "handler"),
    };
  } finally {
    await gateway.close();
  }
}

/** One that does not die shows as not reached. */
async function died(doomed: ChildGateway): Promise<void> {
  await Promise.race([doomed.exited, delay(20_000, undefined, { ref: false })]);
}

async function pollWaits(gateway: ChildGateway): Promise<void> {
  const waits = await within(20_000, async () => {
    const metrics = await (await fetch(`${gateway.opsUrl}/metrics`)).text();
    return /^nexus_mesh_polls_waiting [1-9]/m.test(metrics);
  });
  if (!waits) throw new Error("no poll came to wait at the gateway that shall die");
}

function upstream({ url }: ChildGateway): { host: string; port: number } {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port) };
}
