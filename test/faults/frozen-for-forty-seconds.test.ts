import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { states } from "../../gateway/src/operations/lifecycle.ts";
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
/** Of a step that takes some ms where nothing else runs: no step may fail because the machine is busy. */
const busy = { ms: 60_000, every: 50 };
const json = { "content-type": "application/json" };

/** What the handler answers the gateway that freezes: read just before, or (unanswered) not in time. */
const late = {
  unanswered: (response: ServerResponse) => response.writeHead(200, json).end('"too late"'),
  succeeded: (response: ServerResponse) => response.writeHead(200, json).end('"late"'),
  started: (response: ServerResponse) => response.writeHead(201, json).end(token("late")),
};
/** And what it answers the gateway that takes the operation over, by what the operation then is. */
const heirs = {
  // Unavailable at the only attempt: it stays open, for whoever holds it.
  parked: (response: ServerResponse) => response.writeHead(503).end(),
  succeeded: (response: ServerResponse) => response.writeHead(200, json).end('"heir"'),
  started: (response: ServerResponse) => response.writeHead(201, json).end(token("heir")),
};
type Late = keyof typeof late;
type Heir = keyof typeof heirs;
const cases = Object.keys(late).flatMap((was) =>
  Object.keys(heirs).map((becomes) => ({ was: was as Late, becomes: becomes as Heir })),
);

let mesh: Mesh;
let child: ChildGateway;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;
let pool: pg.Pool;

beforeEach(async () => {
  // Leases and everything else as in production.
  mesh = await startMesh();
  child = await startChildGateway(await mesh.anotherGateway(), "dispatch:replied", "SIGSTOP");
  handler = await startScriptedHandler();
  receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
  pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 1 });
}, 180_000);
afterEach(async () => {
  child.signal("SIGKILL");
  await child.exited;
  await pool.end();
  await mesh.close();
});

test(
  "a gateway that was frozen for 40 s in the middle of its dispatches changes nothing when it wakes",
  { timeout: 360_000 },
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
    const endpoint = await mesh.endpoint(handler.url, { maxAttempts: 1 });
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
    await waitFor("every dispatch", () => held.length === cases.length, busy);

    // Stopped from outside it would wake with its timers first, take every reply that waits for a timeout, and settle
    // nothing. So it stops itself, with the first reply in hand; stopped until all are there, it gets them in one go.
    child.signal("SIGSTOP");
    // On a busy machine it may be about to read: a reply sent now would then be the only one that it sees.
    await waitFor("it to stop", () => stopped(child.pid), busy);
    const answered = held.filter(({ was }) => was !== "unanswered");
    for (const { response, was } of answered) late[was](response);
    await waitFor(
      "the replies to be sent",
      () => answered.every(({ response }) => response.writableFinished),
      busy,
    );
    child.signal("SIGCONT");
    await waitFor("it to freeze", () => child.reached() && stopped(child.pid), busy);
    const frozenAt = performance.now();
    for (const { response, was } of held) if (was === "unanswered") late[was](response);

    const paid = new Set(ids.filter((_id, at) => cases[at]?.becomes === "succeeded"));
    await waitFor(
      "the heir to have parked, started or settled and delivered each of them",
      async () => {
        const found = new Map((await heads(ids)).map((head) => [head.id, head]));
        return cases.every(({ becomes }, at) => {
          const head = found.get(ids[at] ?? "");
          return head?.state === states[becomes] && (!paid.has(head.id) || head.owes === 0);
        });
      },
      busy,
    );
    expect(taken).toHaveLength(cases.length);
    // The wall time is the point: longer than every lease, timeout and connection of the frozen one.
    await delay(frozenMs - (performance.now() - frozenAt));
    const before = await everything();

    child.signal("SIGCONT");
    const written = await waitFor(
      "its late writes, one for every operation, and Postgres' answers to them",
      async () => {
        const now = await writtenRows();
        const rows = now.reduce((total, one) => total + one.rows, 0);
        return rows >= cases.length && now.every(({ answered }) => answered) && now;
      },
      busy,
    );
    expect(await everything()).toEqual(before);
    // Of each kind one for every reply of that kind: none was taken for a timeout.
    const each = cases.length / Object.keys(late).length;
    expect(written.map(({ rows }) => rows)).toEqual([each, each, each]);
    expect(new Set(receiver.received.map(tokenOf))).toEqual(paid);
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
    const ended = cases.flatMap(({ becomes }, at): [string, string][] =>
      becomes === "parked"
        ? []
        : [[ids[at] ?? "", becomes === "succeeded" ? '"heir"' : '"completed"']],
    );
    await waitFor(
      "every delivery",
      async () => (await heads(ended.map(([id]) => id))).every(({ owes }) => owes === 0),
      busy,
    );
    const outcomes = await pool.query<{ id: string; result: string }>(
      "select id, convert_from(result, 'UTF8') as result from outcome",
    );
    expect(outcomes.rows.map(({ id, result }) => [id, result]).sort()).toEqual(ended.sort());
    // Delivered at least once; what is one completion has one id.
    const delivered = new Map(
      receiver.received.map((one) => [
        one.headers["webhook-id"],
        [tokenOf(one), one.body.toString()],
      ]),
    );
    expect([...delivered.values()].sort()).toEqual(ended.sort());
  },
);

/** Linux: what comes after the command's name, which may hold anything. */
async function stopped(pid: number): Promise<boolean> {
  return /\) T [^)]*$/.test(await readFile(`/proc/${pid}/stat`, "utf8"));
}

function token(name: string): string {
  return JSON.stringify({ token: name, state: "running" });
}

function tokenOf({ headers }: CallbackReceiver["received"][number]): string {
  return String(headers["nexus-operation-token"]);
}

interface HeadState {
  readonly id: string;
  readonly state: number;
  readonly owes: number;
}

async function heads(ids: readonly string[]): Promise<HeadState[]> {
  const found = await pool.query<HeadState>("select id, state, owes from head where id = any($1)", [
    ids,
  ]);
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

/** What the woken gateway has sent with each statement that ends an attempt, and whether Postgres has answered. */
async function writtenRows(): Promise<{ rows: number; answered: boolean }[]> {
  const metrics = await (await fetch(`${child.opsUrl}/metrics`)).text();
  return ["settle", "note-started", "note-retry"].map((statement) => {
    const value = (name: string): number =>
      Number(
        new RegExp(`^nexus_mesh_${name}\\{statement="${statement}"\\} (\\d+)`, "m").exec(
          metrics,
        )?.[1] ?? 0,
      );
    return {
      rows: value("batch_rows_sum"),
      answered: value("batch_rows_count") === value("batch_seconds_count"),
    };
  });
}
