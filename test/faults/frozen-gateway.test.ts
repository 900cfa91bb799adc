import { setTimeout as delay } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChildGateway, type ChildGateway } from "../crash/child-gateway.ts";
import { complete, startMesh, type Mesh } from "../engine/mesh.ts";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import {
  startScriptedHandler,
  type HandlerCall,
  type ScriptedHandler,
} from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";

const frozenMs = 40_000;
const perCase = 3;
const json = { "content-type": "application/json" };

/** What the handler answers the frozen gateway, who will read it when it wakes. */
const late = {
  succeeded: (response: ServerResponse) => response.writeHead(200, json).end('"late"'),
  started: (response: ServerResponse) => response.writeHead(201, json).end(token("late")),
  unavailable: (response: ServerResponse) => response.writeHead(503).end(),
  reset: (response: ServerResponse) => response.destroy(),
};
/** And what it answers the gateway that takes the operation over. */
const heirs = {
  succeeded: (response: ServerResponse) => response.writeHead(200, json).end('"heir"'),
  started: (response: ServerResponse) => response.writeHead(201, json).end(token("heir")),
};
type Late = keyof typeof late;
type Heir = keyof typeof heirs;
const cases = Object.keys(late).flatMap((was) =>
  Object.keys(heirs).flatMap((becomes) =>
    Array.from({ length: perCase }, () => ({ was: was as Late, becomes: becomes as Heir })),
  ),
);

let mesh: Mesh;
let child: ChildGateway;
let childOps: string;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;
let pool: pg.Pool;

beforeEach(async () => {
  // Leases and everything else as in production.
  mesh = await startMesh();
  const opsPort = await freePort();
  childOps = `http://127.0.0.1:${opsPort}`;
  child = await startChildGateway({ ...(await mesh.anotherGateway()), opsPort }, null);
  handler = await startScriptedHandler();
  receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
  pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 1 });
});
afterEach(async () => {
  child.signal("SIGKILL");
  await child.exited;
  await pool.end();
  await mesh.close();
});

test(
  "a gateway that was frozen for 40 s in the middle of its dispatches changes nothing when it wakes",
  { timeout: 150_000 },
  async () => {
    const held: { response: ServerResponse; was: Late }[] = [];
    const taken: { call: HandlerCall; becomes: Heir }[] = [];
    const keys = new Set<unknown>();
    handler.script((call, response) => {
      const { was, becomes } = JSON.parse(call.body.toString()) as (typeof cases)[number];
      const key = call.headers["nexus-request-id"];
      if (keys.has(key)) {
        taken.push({ call, becomes });
        heirs[becomes](response);
      } else {
        keys.add(key);
        held.push({ response, was });
      }
    });
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.knownAt(child.url, endpoint);
    const begun = await Promise.all(
      cases.map((body) =>
        mesh.start(endpoint, {
          at: child.url,
          callback: receiver.url,
          prefer: "respond-async",
          body: JSON.stringify(body),
        }),
      ),
    );
    const ids = begun.map((reply) => reply.json().token);
    await waitFor("every dispatch", () => held.length === cases.length);

    child.signal("SIGSTOP");
    const frozenAt = performance.now();
    for (const { response, was } of held) late[was](response);
    await waitFor(
      "the heir to have settled or started all of them",
      async () => {
        const rows = await heads(ids);
        return rows.every(({ state, owes }) => state === 3 || (state === 4 && owes === 0));
      },
      { ms: 35_000, every: 250 },
    );
    expect(taken).toHaveLength(cases.length);
    // The wall time is the point: longer than every lease, timeout and connection of the frozen one.
    await delay(frozenMs - (performance.now() - frozenAt));
    const before = await everything();
    const settled = cases.filter(({ becomes }) => becomes === "succeeded").length;
    expect(receiver.received).toHaveLength(settled);

    child.signal("SIGCONT");
    const twice = 2 * perCase;
    await written("settle", twice);
    await written("note-started", twice);
    await written("note-retry", 2 * twice);
    expect(await everything()).toEqual(before);
    expect(handler.calls.filter((call) => call.url.includes("/cancel"))).toEqual([]);

    // What the heir started is still completed, once, also through the gateway that was frozen.
    for (const { call, becomes } of taken) {
      if (becomes !== "started") continue;
      const completed = await complete(call, {
        state: "succeeded",
        body: '"completed"',
        at: child.url,
      });
      expect(completed.status).toBe(200);
    }
    await waitFor("every delivery to be noted", async () =>
      (await heads(ids)).every(({ owes }) => owes === 0),
    );
    const outcomes = await pool.query<{ id: string; result: string }>(
      "select id, convert_from(result, 'UTF8') as result from outcome",
    );
    const expected = new Map(
      cases.map(({ becomes }, at) => [ids[at], becomes === "succeeded" ? '"heir"' : '"completed"']),
    );
    expect(outcomes.rows).toHaveLength(cases.length);
    expect(new Map(outcomes.rows.map(({ id, result }) => [id, result]))).toEqual(expected);
    expect(receiver.received).toHaveLength(cases.length);
    expect(
      new Map(
        receiver.received.map(({ headers, body }) => [
          String(headers["nexus-operation-token"]),
          body.toString(),
        ]),
      ),
    ).toEqual(expected);
  },
);

function token(name: string): string {
  return JSON.stringify({ token: name, state: "running" });
}

async function heads(ids: readonly string[]): Promise<{ state: number; owes: number }[]> {
  const found = await pool.query<{ state: number; owes: number }>(
    "select state, owes from head where id = any($1)",
    [ids],
  );
  expect(found.rows).toHaveLength(ids.length);
  return found.rows;
}

/** All rows that an operation has, and each row's transaction, which tells also of a write that changed no value. */
async function everything(): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const table of ["head", "operation", "outcome", "attempt", "callback"]) {
    const found = await pool.query<Record<string, unknown>>(
      `select t.xmin::text as written_by, t.* from ${table} t order by t.id, t.key, t::text`,
    );
    rows[table] = found.rows;
  }
  return rows;
}

/** Until the woken gateway has sent that many rows with this statement, and Postgres has answered. */
async function written(statement: string, rows: number): Promise<void> {
  await waitFor(
    `the woken gateway to write ${rows} rows by ${statement}`,
    async () => {
      const metrics = await (await fetch(`${childOps}/metrics`)).text();
      const value = (name: string): number =>
        Number(
          new RegExp(`^nexus_mesh_${name}\\{statement="${statement}"\\} (\\d+)`, "m").exec(
            metrics,
          )?.[1] ?? 0,
        );
      const answered = value("batch_seconds_count") === value("batch_rows_count");
      return answered && value("batch_rows_sum") >= rows;
    },
    { ms: 20_000, every: 100 },
  );
}
