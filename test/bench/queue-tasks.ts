import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import { createNexusClient } from "@nexus-mesh/sdk/client";
import { seedMesh } from "../harness/seed-mesh.ts";
import type { Role } from "./bench-child.ts";
import { tasks } from "./bench-worker.ts";
import type { CallbackReceiver } from "./callback-receiver.ts";
import type { Child } from "./child.ts";
import { claimTime } from "./claim-time.ts";
import { load, type LoadResult } from "./load.ts";
import { measured, median, print, rate } from "./measure.ts";
import type { PostgresCost } from "./postgres-cost.ts";

/** The other gateway's p50 may be so much of the same gateway's. */
const farLimit = { times: 1.5, plusMs: 5 };
/** A claim at a million tasks may take so much of one at ten thousand. */
const claimLimit = 1.5;
const sizes = { tasks: 1_000, latencies: 30 };

interface Throughput extends LoadResult {
  readonly gatewayCpu: number;
  readonly postgresCpu: number;
  readonly wal: number;
}

/** Starts at one gateway for workers that wait there, and for workers that wait at another one of the same mesh. */
export async function queueTasks(bench: {
  readonly options: GatewayOptions;
  readonly receiver: CallbackReceiver;
  readonly child: (role: Role) => Promise<Child>;
  readonly postgresUrl: string;
  readonly postgresCost: () => Promise<PostgresCost>;
  readonly rounds: number;
  readonly body: Buffer;
}): Promise<void> {
  const { body, child, receiver, rounds } = bench;
  const here: GatewayOptions = { ...bench.options, port: await freePort(), opsPort: 0 };
  const there: GatewayOptions = { ...here, port: await freePort() };
  const queues = [
    { name: "same gateway", endpoint: "near", at: here },
    { name: "another gateway", endpoint: "far", at: there },
  ];
  const seeded = [];
  for (const { endpoint } of queues)
    seeded.push(await seedMesh(here, endpoint, { queue: endpoint }));
  const gateway = await child({ kind: "gateway", options: here });
  const other = await child({ kind: "gateway", options: there });
  const subjects = [];
  for (const [i, { name, endpoint }] of queues.entries()) {
    const { token = "", workerToken = "" } = seeded[i] ?? {};
    const { url } = endpoint === "near" ? gateway : other;
    await child({ kind: "worker", worker: { url, token: workerToken, queue: endpoint } });
    subjects.push({
      name,
      url: new URL(
        `${gateway.url}/nexus/endpoints/${endpoint}/services/tasks/echo?callback=${encodeURIComponent(receiver.url)}`,
      ),
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        prefer: "respond-async",
      },
      client: createNexusClient({ url: gateway.url, token }).service({ endpoint, service: tasks }),
      throughput: [] as Throughput[],
      latencies: [] as number[],
    });
  }

  type Subject = (typeof subjects)[number];
  const through = ({ url, headers }: Subject, requests: number): Promise<LoadResult> =>
    load(url, { headers, body, expect: 201 }, { connections: 64, requests }, (answer) =>
      receiver.delivered((JSON.parse(answer) as { token: string }).token),
    );
  const untilEntered = async ({ client }: Subject): Promise<number> => {
    const sent = process.hrtime.bigint();
    const started = await client.start("enter", null);
    return Number(BigInt(await started.result()) - sent) / 1e6;
  };

  print(
    `Queue: start, task, answer, callback with the SDK's worker; 64 in flight, ${rounds} rounds of ${sizes.tasks} tasks each, by turns`,
  );
  for (const subject of subjects) await through(subject, sizes.tasks);
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) {
      const before = await bench.postgresCost();
      const { result, cpu } = await measured(gateway, () => through(subject, sizes.tasks));
      const after = await bench.postgresCost();
      subject.throughput.push({
        ...result,
        gatewayCpu: cpu / sizes.tasks,
        postgresCpu: (after.cpu - before.cpu) / sizes.tasks,
        wal: (after.walBytes - before.walBytes) / sizes.tasks,
      });
    }
  }
  for (const { name, throughput } of subjects) {
    const of = (field: keyof Throughput): number =>
      median(throughput.map((result) => result[field]));
    print(
      `    worker at ${name.padEnd(16)} ${rate({ perSecond: of("perSecond"), p50: of("p50"), p99: of("p99") })}  ${of("gatewayCpu").toFixed(0)} µs CPU/task of the start's gateway  Postgres ${of("postgresCpu").toFixed(0)} µs, ${of("wal").toFixed(0)} B WAL`,
    );
  }

  print(
    `  from the start's sending to the handler's function, ${rounds} rounds of ${sizes.latencies}, one by one, by turns`,
  );
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects)
      for (let n = 0; n < sizes.latencies; n += 1)
        subject.latencies.push(await untilEntered(subject));
  const [near = NaN, far = NaN] = subjects.map(({ latencies }) => median(latencies));
  for (const { name, latencies } of subjects) {
    const sorted = latencies.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
    print(
      `    worker at ${name.padEnd(16)} p50 ${median(latencies).toFixed(2)} ms  p99 ${p99.toFixed(2)} ms`,
    );
  }
  const most = near * farLimit.times + farLimit.plusMs;
  if (!(far <= most))
    fail(`From another gateway it took ${far.toFixed(1)} ms, more than ${most.toFixed(1)}.`);

  const { few, many, ratio } = await claimTime(bench.postgresUrl, rounds);
  print("  a claim of 10 tasks, two databases, by turns");
  print(`    at 10,000 tasks    ${few.toFixed(2)} ms`);
  print(`    at 1,000,000 tasks ${many.toFixed(2)} ms`);
  print(`    ratio = ${ratio.toFixed(2)}`);
  if (!(ratio <= claimLimit)) fail(`That is more than ${claimLimit}.`);
}

function fail(why: string): void {
  print(why);
  process.exitCode = 1;
}
