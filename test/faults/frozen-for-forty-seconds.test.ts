import pg from "pg";
import { expect, test } from "vitest";
import { startMesh } from "../engine/mesh.ts";
import { startChildGateway } from "../crash/child-gateway.ts";
import { startCallbackReceiver } from "../harness/callback-receiver.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";

const frozenMs = 40_000;
const operations = 8;
const json = { "content-type": "application/json" };

test("a gateway frozen for 40 s under the usual lease of 15 s has lost its operations, and its late writes change nothing", async () => {
  const mesh = await startMesh();
  const child = await startChildGateway(await mesh.anotherGateway(), null);
  const handler = await startScriptedHandler();
  const receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
  const pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 1 });
  try {
    const late: (() => void)[] = [];
    handler.script((_call, response) => {
      if (late.length < operations)
        late.push(() => response.writeHead(200, json).end('"from the frozen one"'));
      else response.writeHead(200, json).end('"from the heir"');
    });
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.knownAt(child.url, endpoint);
    const start = { callback: receiver.url, prefer: "respond-async", at: child.url };
    await Promise.all(Array.from({ length: operations }, () => mesh.start(endpoint, start)));
    await waitFor("every dispatch", () => late.length === operations);
    child.signal("SIGSTOP");
    const frozenAt = performance.now();
    // Their replies wait in the frozen one's sockets until it wakes.
    for (const answer of late) answer();
    await waitFor("the heir's completions", () => receiver.received.length === operations, {
      ms: 35_000,
    });
    // The one place where the time itself is what is tested.
    await waitFor("40 s", () => performance.now() - frozenAt > frozenMs, {
      ms: 45_000,
      every: 250,
    });
    const before = await heads(pool);
    child.signal("SIGCONT");
    // It has read the late replies and been refused once it answers anything again.
    expect((await mesh.start(endpoint, { callback: receiver.url, at: child.url })).status).toBe(
      200,
    );
    expect((await heads(pool)).slice(0, operations)).toEqual(before);
    const outcomes = await pool.query<{ result: string }>(
      "select convert_from(result, 'utf8') as result from outcome order by id limit $1",
      [operations],
    );
    expect(outcomes.rows.map(({ result }) => result)).toEqual(
      Array.from({ length: operations }, () => '"from the heir"'),
    );
    expect(receiver.received.map(({ body }) => body.toString())).not.toContain(
      '"from the frozen one"',
    );
  } finally {
    await pool.end();
    child.signal("SIGKILL");
    await child.exited;
    await mesh.close();
  }
}, 120_000);

/** In the order of their starts. */
async function heads(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    "select id, state, fence, attempt, owes, closed_at from head order by id",
  );
  return rows;
}
