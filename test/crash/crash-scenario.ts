import { randomUUID } from "node:crypto";
import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import pg from "pg";
import { startChildGateway } from "./child-gateway.ts";
import { exchange, startHandler, startReceiver } from "./scripted-parties.ts";

export interface CrashRow {
  readonly point: CrashPoint;
  readonly reached: boolean;
  /** Operations whose caller was told 201. */
  readonly accepted: number;
  /** Told 201 and not ended. */
  readonly lost: number;
  readonly settledTwice: number;
  readonly callbacksOwed: number;
  readonly callbacksDelivered: number;
  readonly log: string;
}

export interface Mesh {
  readonly options: (port: number, publicUrl: string) => GatewayOptions;
  /** Points endpoint `crashing` of a fresh database at this handler; the caller's token. */
  readonly prepare: (publicUrl: string, handlerUrl: string) => Promise<{ token: string }>;
  readonly databaseUrl: string;
  readonly freePort: () => Promise<number>;
}

const operations = 4;

/** A child gateway dies at the point; a second one on the same database carries everything on. */
export async function crashScenario(point: CrashPoint, mesh: Mesh): Promise<CrashRow> {
  const cancels = point.startsWith("cancel:");
  const ports = [await mesh.freePort(), await mesh.freePort()] as const;
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const publicUrl = urls[1] ?? "";
  const handler = await startHandler(() => urls, !cancels);
  const receiver = await startReceiver();
  const { token } = await mesh.prepare(publicUrl, handler.url);
  const [doomed, heir] = await Promise.all([
    startChildGateway(mesh.options(ports[0], publicUrl), point),
    startChildGateway(mesh.options(ports[1], publicUrl), null),
  ]);
  const pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 2 });
  try {
    const accepted = await Promise.all(
      Array.from({ length: operations }, () => start(urls, receiver.url, token)),
    );
    if (cancels) {
      await started(pool, accepted);
      await Promise.all(accepted.map((id) => cancel(urls, id, token)));
    }
    const ended = await allEnded(pool, accepted);
    const owed = accepted.length;
    await poll(20_000, () => accepted.every((id) => receiver.received.has(id)));
    // A receiver has its callback before the gateway reads the acknowledgement, and dies there.
    await poll(10_000, () => doomed.reached());
    const outcomes = await pool.query<{ id: string; n: number }>(
      "select id, count(*)::int as n from outcome group by id having count(*) > 1",
    );
    const contradictions = accepted.filter((id) => new Set(receiver.received.get(id)).size > 1);
    return {
      point,
      reached: doomed.reached(),
      accepted: accepted.length,
      lost: accepted.length - ended,
      settledTwice: outcomes.rows.length + contradictions.length,
      callbacksOwed: owed,
      callbacksDelivered: accepted.filter((id) => receiver.received.has(id)).length,
      log: doomed.log() + heir.log(),
    };
  } finally {
    await pool.end();
    await handler.close();
    await receiver.close();
    await Promise.all([doomed.stop(), heir.stop()]);
  }
}

/** As a caller would: the same request id again, at whichever gateway answers, until one says 201. */
async function start(urls: readonly string[], callback: string, token: string): Promise<string> {
  const requestId = randomUUID();
  const path = `/nexus/endpoints/crashing/services/jobs/run?callback=${encodeURIComponent(callback)}`;
  const headers = {
    authorization: `Bearer ${token}`,
    "nexus-request-id": requestId,
    prefer: "respond-async",
    "content-type": "application/json",
  };
  for (let n = 0; n < 60; n += 1) {
    for (const url of urls) {
      const reply = await exchange(url + path, headers, JSON.stringify({ requestId }));
      if (reply.status === 201) return (JSON.parse(reply.body) as { token: string }).token;
      if (reply.status >= 400 && reply.status < 500)
        throw new Error(`start was refused: ${reply.status} ${reply.body}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no gateway accepted a start");
}

async function cancel(urls: readonly string[], id: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "nexus-operation-token": id };
  for (let n = 0; n < 60; n += 1) {
    for (const url of urls) {
      const reply = await exchange(
        `${url}/nexus/endpoints/crashing/services/jobs/run/cancel`,
        headers,
        "",
      );
      if (reply.status === 202) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no gateway took the cancel");
}

async function started(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  const all = await poll(30_000, async () => {
    const found = await pool.query("select 1 from head where id = any($1) and state = 3", [ids]);
    return found.rows.length === ids.length;
  });
  if (!all) throw new Error("not every operation was started before its cancel");
}

async function allEnded(pool: pg.Pool, ids: readonly string[]): Promise<number> {
  let ended = 0;
  await poll(45_000, async () => {
    const found = await pool.query("select id from head where id = any($1) and state >= 4", [ids]);
    ended = found.rows.length;
    return ended === ids.length;
  });
  return ended;
}

async function poll(ms: number, probe: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (await probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
