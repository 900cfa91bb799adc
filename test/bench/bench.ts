import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import { request } from "undici";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { seedMesh } from "../harness/seed-mesh.ts";
import { startChild, type Child } from "./child.ts";
import { load, type LoadResult } from "./load.ts";
import { postgresCost } from "./postgres-cost.ts";

/**
 * One run prints everything side by side, since absolute figures compare with nothing but each other. Usage:
 * `npm run bench [-- --requests=4000 --operations=6000]`. Exits 1 when the yardstick itself is out of its range.
 */
const sizes = {
  requests: numberArgument("requests", 4_000),
  operations: numberArgument("operations", 6_000),
};
/** `--profile=FOLDER` leaves the gateway's CPU profile there; `--only=pass-through` or `--only=durable` runs that part. */
const profile = textArgument("profile");
const only = textArgument("only");
const rounds = Number(process.env.ROUNDS ?? 7);
const yardstickLimitUs = 330;
const body = Buffer.from(JSON.stringify({ order: "o-1", lines: [{ sku: "a", n: 1 }] }));

const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-bench-"));
// Passable for the user that Postgres runs as, so that it needs no other folder when this one is root's.
await chmod(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({
  dataDir,
  settings: { full_page_writes: "off", checkpoint_timeout: "15min" },
});
const children: Child[] = [];
const child = async (role: Parameters<typeof startChild>[0]): Promise<Child> => {
  const started = await startChild(
    role,
    role.kind === "gateway" || process.env.PROF_ALL
      ? profile === undefined
        ? undefined
        : `${profile}/${role.kind}`
      : undefined,
  );
  children.push(started);
  return started;
};

try {
  const handler = await child({ kind: "handler" });
  const receiver = await child({ kind: "receiver" });
  const masterKey = randomBytes(32).toString("base64url");
  const port = await freePort();
  const options: GatewayOptions = {
    ...defaultGatewayOptions,
    databaseUrl: postgres.url,
    publicUrl: `http://127.0.0.1:${port}`,
    port,
    opsPort: await freePort(),
    masterKeys: [masterKey],
    allowUnsafeDatabase: true,
  };
  const { token } = await seedMesh(options, "bench", handler.url);
  const proxy = await child({ kind: "bare-proxy", target: handler.url });
  const gateway = await child({ kind: "gateway", options });
  const crude = await child({
    kind: "crude-mesh",
    target: handler.url,
    databaseUrl: postgres.url,
    receiver: receiver.url,
  });

  const authorization = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const sync = "/nexus/endpoints/bench/services/jobs/sync";
  const direct = {
    name: "handler, direct",
    child: handler,
    url: new URL(`${handler.url}/jobs/sync`),
    headers: authorization,
  };
  const bare = {
    name: "bare proxy",
    child: proxy,
    url: new URL(`${proxy.url}/jobs/sync`),
    headers: authorization,
  };
  const through = {
    name: "gateway",
    child: gateway,
    url: new URL(gateway.url + sync),
    headers: authorization,
  };

  if (only !== "durable") await passThrough();
  if (only !== "pass-through") await durableOperations();

  async function passThrough(): Promise<void> {
    print("Pass-through: one synchronous call");
    for (const connections of [1, 64]) {
      const requests = connections === 1 ? Math.ceil(sizes.requests / 8) : sizes.requests;
      print(
        `  ${connections} connection${connections === 1 ? "" : "s"}, ${rounds} rounds of ${requests} requests each, by turns`,
      );
      const subjects = [direct, bare, through];
      const shot = (subject: (typeof subjects)[number]) => ({ ...subject, body, expect: 200 });
      for (const subject of subjects)
        await load(subject.url, shot(subject), { connections, requests: requests * 2 });
      const results = subjects.map(() => [] as (LoadResult & { cpu: number })[]);
      // By turns, since the machine's own speed changes within seconds.
      for (let round = 0; round < rounds; round += 1) {
        for (const [i, subject] of subjects.entries()) {
          const { result, cpu } = await measured(subject.child, () =>
            load(subject.url, shot(subject), { connections, requests }),
          );
          results[i]?.push({ ...result, cpu: cpu / requests });
        }
      }
      for (const [i, subject] of subjects.entries()) {
        const all = results[i] ?? [];
        const of = (field: keyof LoadResult | "cpu"): number => median(all.map((r) => r[field]));
        print(
          `    ${subject.name.padEnd(16)} ${rate({ perSecond: of("perSecond"), p50: of("p50"), p99: of("p99") })}  ${of("cpu").toFixed(0).padStart(4)} µs CPU/request`,
        );
      }
      const [, bares = [], throughs = []] = results;
      const ratios = throughs.map((r, i) => r.perSecond / (bares[i]?.perSecond ?? NaN));
      print(`    ratio gateway : bare proxy = ${median(ratios).toFixed(2)}`);
    }
  }

  async function durableOperations(): Promise<void> {
    print(
      `Durable: start, dispatch, completion, callback; 64 in flight, ${sizes.operations} operations`,
    );
    const yardstick = await durable(crude, new URL(`${crude.url}/start`), {
      "content-type": "application/json",
    });
    const callback = encodeURIComponent(receiver.url);
    const mesh = await durable(
      gateway,
      new URL(`${gateway.url}/nexus/endpoints/bench/services/jobs/async?callback=${callback}`),
      { ...authorization, prefer: "respond-async" },
    );
    printDurable("crude script", yardstick);
    printDurable("gateway", mesh);
    print(
      `    ratio gateway : crude script = ${(mesh.perSecond / yardstick.perSecond).toFixed(2)}`,
    );
    print(`    rows a statement: ${await rowsPerStatement(options)}`);
    if (yardstick.gatewayCpu > yardstickLimitUs) {
      print(
        `The yardstick took ${yardstick.gatewayCpu.toFixed(0)} µs of CPU an operation, more than ${yardstickLimitUs}: it is no honest measure.`,
      );
      process.exitCode = 1;
    }
  }

  async function durable(
    subject: Child,
    url: URL,
    headers: Record<string, string>,
  ): Promise<Durable> {
    await one(Math.ceil(sizes.operations / 4));
    const before = await postgresCost(await postmasterPid(), postgres.url);
    const from = performance.now();
    const { result, cpu } = await measured(subject, () => one(sizes.operations));
    const seconds = (performance.now() - from) / 1_000;
    const after = await postgresCost(await postmasterPid(), postgres.url);
    return {
      ...result,
      perSecond: sizes.operations / seconds,
      gatewayCpu: cpu / sizes.operations,
      postgresCpu: (after.cpu - before.cpu) / sizes.operations,
      wal: (after.walBytes - before.walBytes) / sizes.operations,
    };

    /** Ends when the last callback has arrived. */
    async function one(operations: number): Promise<LoadResult> {
      const already = await delivered();
      const result = await load(
        url,
        { headers, body, expect: 201 },
        { connections: 64, requests: operations },
      );
      const end = performance.now() + 60_000;
      while ((await delivered()) < already + operations) {
        if (performance.now() > end)
          throw new Error("not every callback was delivered within a minute");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return result;
    }
  }

  async function delivered(): Promise<number> {
    const reply = await request(`${receiver.url}/count`);
    return Number(await reply.body.text());
  }
} finally {
  for (const started of children.reverse()) await started.stop();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

interface Durable extends LoadResult {
  readonly gatewayCpu: number;
  readonly postgresCpu: number;
  readonly wal: number;
}

async function measured<T>(
  subject: Child,
  run: () => Promise<T>,
): Promise<{ result: T; cpu: number }> {
  const before = await subject.cpu();
  const result = await run();
  return { result, cpu: (await subject.cpu()) - before };
}

async function postmasterPid(): Promise<number> {
  return Number(
    (await readFile(path.join(postgres.dataDir, "postmaster.pid"), "utf8")).split("\n")[0],
  );
}

async function rowsPerStatement(options: GatewayOptions): Promise<string> {
  const reply = await request(`http://${options.opsHost}:${options.opsPort}/metrics`);
  const text = await reply.body.text();
  const value = (name: string, statement: string): number =>
    Number(
      new RegExp(`^nexus_mesh_batch_rows_${name}\\{statement="${statement}"\\} (\\S+)`, "m").exec(
        text,
      )?.[1] ?? NaN,
    );
  return ["accept", "settle"]
    .map(
      (statement) =>
        `${statement} ${(value("sum", statement) / value("count", statement)).toFixed(1)}`,
    )
    .join(", ");
}

function printDurable(name: string, result: Durable): void {
  print(
    `    ${name.padEnd(16)} ${result.perSecond.toFixed(0).padStart(6)}/s  p50 ${result.p50.toFixed(1)} ms  p99 ${result.p99.toFixed(1)} ms  ${result.gatewayCpu.toFixed(0)} µs CPU/operation  Postgres ${result.postgresCpu.toFixed(0)} µs, ${result.wal.toFixed(0)} B WAL`,
  );
}

function rate(result: LoadResult): string {
  return `${result.perSecond.toFixed(0).padStart(6)}/s  p50 ${result.p50.toFixed(2)} ms  p99 ${result.p99.toFixed(2)} ms`;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function textArgument(name: string): string | undefined {
  const found = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  return found?.slice(name.length + 3);
}

function numberArgument(name: string, otherwise: number): number {
  const given = textArgument(name);
  return given === undefined ? otherwise : Number(given);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
