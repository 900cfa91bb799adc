import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import type { Child } from "./child.ts";
import { openBenchStore } from "./open-bench-store.ts";
import type { PostgresCost } from "./postgres-cost.ts";
import { newOperation } from "./store-cost.ts";
import type { WatchReport, WatchRequest } from "./watchers-child.ts";

export interface WatchCost {
  /** Long polls, and as many streams. */
  readonly each: number;
  readonly bytesPerPoll: number;
  readonly bytesPerStream: number;
  /** Over everything that is watched. */
  readonly looksPer100Ms: number;
  /** And over what has changed or is new. */
  readonly readsPer100Ms: number;
  /** CPU for each 100 ms, µs. */
  readonly postgresCpu: number;
  readonly gatewayCpu: number;
  /** From the settle at one gateway (`closed_at`) until its watcher at another hears of it, ms. */
  readonly heardAfter: readonly number[];
}

interface Watching {
  readonly databaseUrl: string;
  /** Of the gateway whose operations' listener is at `opsUrl`. */
  readonly watchedAt: Child;
  readonly opsUrl: string;
  readonly endedAt: Child;
  readonly tokens: { readonly caller: string; readonly owner: string };
  readPostgres(): Promise<PostgresCost>;
}

/** Sockets of a gateway that are no watcher's, and files. */
const otherFiles = 200;
const idleMs = 10_000;
const opening = 500;
const endings = 1_000;
const endEveryMs = 10;
const clients = 2;

/** `wanted` of each, or as many as a process may have sockets. */
export async function watchCost(given: Watching, wanted: number): Promise<WatchCost> {
  const { watchedAt, endedAt, tokens } = given;
  const each = Math.min(wanted, Math.floor((openFiles() - otherFiles) / 2));
  const warmUp = 200;
  const ids = await openOperations(given.databaseUrl, 2 * (each + warmUp));
  const watchers = await startWatchers(watchedAt.url, tokens.caller);
  const watch = async (kind: WatchRequest["kind"], some: readonly string[]): Promise<number> => {
    const gauge = kind === "poll" ? "nexus_mesh_waiters" : "nexus_mesh_event_streams";
    // A poll that waits says nothing: without a look at the gauge all would be sent at once.
    for (let from = 0; from < some.length; from += opening) {
      const next = some.slice(from, from + opening);
      await watchers.open(kind, next);
      await untilGauge(given.opsUrl, gauge, from + next.length);
    }
    return watchedAt.memory();
  };
  const end = (id: string): Promise<void> => terminate(endedAt.url, tokens.owner, id);
  try {
    // What the first watchers load stays for all of them.
    const warm = { poll: ids.splice(0, warmUp), stream: ids.splice(0, warmUp) };
    await watch("stream", warm.stream);
    await watch("poll", warm.poll);
    for (const id of [...warm.poll, ...warm.stream]) await end(id);
    await watchers.heard([...warm.poll, ...warm.stream]);

    const before = await measure(given);
    const polled = ids.slice(0, each);
    const streamed = ids.slice(each);
    const empty = await watchedAt.memory();
    const withStreams = await watch("stream", streamed);
    const withAll = await watch("poll", polled);
    const after = await measure(given);

    const ended: string[] = [];
    for (let n = 0; n < endings; n += 1) {
      const id = (n % 2 === 0 ? polled : streamed)[n];
      if (id === undefined) throw new Error("there are fewer watchers than endings");
      ended.push(id);
      await Promise.all([end(id), delay(endEveryMs)]);
    }
    const heardAfter = await watchers.heard(ended);
    return {
      each,
      bytesPerStream: (withStreams - empty) / each,
      bytesPerPoll: (withAll - withStreams) / each,
      looksPer100Ms: after.looks,
      readsPer100Ms: after.reads,
      postgresCpu: after.postgresCpu - before.postgresCpu,
      gatewayCpu: after.gatewayCpu - before.gatewayCpu,
      heardAfter,
    };
  } finally {
    await watchers.stop();
  }
}

/** For each 100 ms. */
async function measure({ watchedAt, readPostgres }: Watching) {
  const read = async () => ({
    looks: await watchedAt.statements("outdated"),
    reads: await watchedAt.statements("snapshots"),
    gatewayCpu: await watchedAt.cpu(),
    postgresCpu: (await readPostgres()).cpu,
    at: performance.now(),
  });
  const from = await read();
  await delay(idleMs);
  const to = await read();
  const rounds = (to.at - from.at) / 100;
  return {
    looks: (to.looks - from.looks) / rounds,
    reads: (to.reads - from.reads) / rounds,
    gatewayCpu: (to.gatewayCpu - from.gatewayCpu) / rounds,
    postgresCpu: (to.postgresCpu - from.postgresCpu) / rounds,
  };
}

async function startWatchers(url: string, token: string) {
  const script = fileURLToPath(new URL("./watchers-child.ts", import.meta.url));
  const children: ChildProcess[] = Array.from({ length: clients }, () =>
    fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", "ignore", "inherit", "ipc"] }),
  );
  const heard = new Map<string, number>();
  let failure: Error | undefined;
  for (const child of children) {
    child.on("message", (message) => {
      const report = message as WatchReport;
      if (report.kind === "failed") failure = new Error(report.error);
      if (report.kind === "heard") heard.set(report.id, report.afterMs);
    });
  }
  return {
    async open(kind: WatchRequest["kind"], ids: readonly string[]): Promise<void> {
      const opened = children.map((child, n) => {
        const message: WatchRequest = {
          kind,
          url,
          token,
          ids: ids.filter((_, at) => at % clients === n),
          from: `127.0.0.${2 + n}`,
        };
        const done = once(child, "message");
        child.send(message);
        return done;
      });
      await Promise.all(opened);
      if (failure !== undefined) throw failure;
    },
    /** How long after their ends the watchers of these operations heard of them. */
    async heard(ids: readonly string[]): Promise<number[]> {
      const end = performance.now() + 20_000;
      while (!ids.every((id) => heard.has(id))) {
        if (failure !== undefined) throw failure;
        if (performance.now() > end) throw new Error("not every watcher heard of the end");
        await delay(20);
      }
      return ids.map((id) => heard.get(id) ?? NaN);
    },
    async stop(): Promise<void> {
      for (const child of children) {
        const exit = once(child, "exit");
        child.send("stop");
        await exit;
      }
    },
  };
}

/** Operations that have been started and that nobody holds, of the namespace and endpoint that are there. */
async function openOperations(databaseUrl: string, count: number): Promise<string[]> {
  const { store, pool, close } = openBenchStore(databaseUrl, 2);
  try {
    const { rows } = await pool.query<{ owner_id: number; endpoint_id: number; target_id: number }>(
      "select e.owner_id, e.id as endpoint_id, t.id as target_id from endpoint e join target t on t.endpoint_id = e.id",
    );
    const [row] = rows;
    if (row === undefined) throw new Error("there is no endpoint");
    const accepted = await Promise.all(
      Array.from({ length: count }, () =>
        store.accept(
          newOperation(Buffer.from("{}"), {
            callerNs: row.owner_id,
            ownerNs: row.owner_id,
            endpointId: row.endpoint_id,
            targetId: row.target_id,
            callbackUrl: null,
            initial: { kind: "started", handlerToken: "t" },
          }),
        ),
      ),
    );
    return accepted.flatMap((one) => (one.kind === "created" ? [one.id] : []));
  } finally {
    await close();
  }
}

async function terminate(url: string, token: string, id: string): Promise<void> {
  const reply = await request(`${url}/v1/operations/${id}/terminate`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
  });
  await reply.body.dump();
  if (reply.statusCode !== 200) throw new Error(`terminate was answered ${reply.statusCode}`);
}

async function untilGauge(opsUrl: string, name: string, value: number): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    const text = await (await request(`${opsUrl}/metrics`)).body.text();
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
    if (Number(found) === value) return;
    if (performance.now() > end) throw new Error(`${name} is ${found ?? "absent"}, not ${value}`);
    await delay(50);
  }
}

/** What the gateway's process may have open; Node raises the soft limit to the hard one. */
function openFiles(): number {
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { hard?: number | "unlimited" } };
  };
  const hard = report.userLimits?.open_files?.hard ?? 1_024;
  return hard === "unlimited" ? Infinity : hard;
}
