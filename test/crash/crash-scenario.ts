import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import pg from "pg";
import { startChildGateway } from "./child-gateway.ts";
import { countRow, type CrashRow } from "./crash-row.ts";
import { cancel, start } from "./scripted-caller.ts";
import { startHandler, startReceiver } from "./scripted-parties.ts";
import { within } from "./within.ts";

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
    return await countRow(point, accepted, { pool, receiver, doomed, heir });
  } finally {
    await pool.end();
    await handler.close();
    await receiver.close();
    await Promise.all([doomed.stop(), heir.stop()]);
  }
}

async function started(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  const all = await within(30_000, async () => {
    const found = await pool.query("select 1 from head where id = any($1) and state = 3", [ids]);
    return found.rows.length === ids.length;
  });
  if (!all) throw new Error("not every operation was started before its cancel");
}
