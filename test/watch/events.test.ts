import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { callbackHeadersOf, complete } from "../engine/mesh.ts";
import { startScriptedHandler, type HandlerCall } from "../harness/handler-server.ts";
import { seedEndpoint, seedGrant } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startTwoGateways, tokenOf, type TwoGateways } from "../queues/two-gateways.ts";
import { eventsOf, type EventReader, type ServerEvent } from "./events-of.ts";

let mesh: TwoGateways;
let handler: Awaited<ReturnType<typeof startScriptedHandler>>;
beforeAll(async () => {
  mesh = await startTwoGateways();
  handler = await startScriptedHandler();
  const policies = { reports: {}, fragile: { maxAttempts: 1 } };
  for (const [name, policy] of Object.entries(policies)) {
    const given = { name, owner: "insights", targetUrl: handler.url, policy };
    await seedGrant(mesh.here, await seedEndpoint(mesh.here, given), "storefront");
  }
});
afterAll(async () => {
  await mesh.close();
  await handler.close();
});

const json = { "content-type": "application/json" };
const started = { status: 201, headers: json, body: '{"token":"h","state":"running"}' };
const refused = { status: 503, headers: json, body: '{"message":"not yet"}' };

async function start(endpoint: string): Promise<string> {
  const reply = await callApi(mesh.here.url, {
    method: "POST",
    path: `/v1/endpoints/${endpoint}/services/jobs/operations/long`,
    token: mesh.callerToken,
    json: "input",
  });
  expect(reply.status).toBe(201);
  return String(reply.body["id"]);
}

const post = (id: string, verb: "cancel" | "redrive") =>
  callApi(mesh.here.url, {
    method: "POST",
    path: `/v1/operations/${id}/${verb}`,
    token: mesh.callerToken,
  });

const report = (call: HandlerCall, id: string, progress: object) =>
  callApi(mesh.here.url, {
    method: "POST",
    path: `/v1/operations/${id}/progress`,
    headers: callbackHeadersOf(call),
    json: progress,
  });

const watch = (
  at: "here" | "there",
  id: string,
  lastEventId?: string,
  token = mesh.callerToken,
): Promise<EventReader> => eventsOf(mesh[at].url, id, token, lastEventId);

async function told(
  reader: EventReader,
  event: string,
  data: object = {},
  /** Only after so many events. */
  after = 0,
): Promise<ServerEvent["data"]> {
  const matches = (one: ServerEvent): boolean =>
    one.event === event && Object.entries(data).every(([name, value]) => one.data[name] === value);
  return waitFor(
    `${event} ${JSON.stringify(data)}`,
    () => reader.events.slice(after).findLast(matches)?.data,
  );
}

/** In a word each; what only the newest is promised of is left out. */
function brief(events: readonly ServerEvent[]): string[] {
  return events.flatMap(({ event, data }) => {
    if (event === "attempt") return [`${String(data["kind"])} ${String(data["n"])}`];
    return event === "state" || event === "outcome" ? [String(data["state"])] : [];
  });
}

/** Leaves after every single event, and comes again at the other gateway with its id. */
async function hop(id: string): Promise<ServerEvent[]> {
  const read: ServerEvent[] = [];
  for (let turn = 0; read.at(-1)?.event !== "outcome"; turn += 1) {
    const reader = await watch(turn % 2 === 0 ? "there" : "here", id, read.at(-1)?.id);
    const next = await waitFor("the next event", () => reader.events[0]);
    reader.leave();
    read.push(next);
  }
  return read;
}

test("every kind of event, in order, at another gateway; to one who comes late, and to one who changes the gateway after each event", async () => {
  handler.script(refused);
  const id = await start("reports");
  const reader = await watch("there", id);
  const hopping = hop(id);
  expect(reader.status).toBe(200);
  expect(reader.headers).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  const blocked = await told(reader, "blocked", { reason: "backing_off" });
  expect(blocked["message"]).toBe("UNAVAILABLE: not yet");
  expect(blocked["until"]).toMatch(/Z$/);
  await told(reader, "attempt", { n: 2 });
  handler.script(started);
  await told(reader, "state", { state: "started" });
  expect(await told(reader, "blocked")).toEqual({ reason: null, message: null, until: null });
  const call = handler.calls.at(-1);
  if (call === undefined) throw new Error("the handler was not called");
  handler.script({ status: 202 });
  await post(id, "cancel");
  await told(reader, "attempt", { kind: "cancel", n: 1, status: 202 });
  await report(call, id, { step: 1, of: 2, detail: { rows: "a\nb" } });
  expect(await told(reader, "progress")).toMatchObject({
    step: 1,
    of: 2,
    detail: { rows: "a\nb" },
  });
  const body = '{"message":"no such data set","metadata":{}}';
  await complete(call, { state: "failed", body, at: mesh.here.url });
  await reader.ended;

  const all = brief(reader.events);
  const starts = all.filter((one) => one.startsWith("start "));
  expect(starts.length).toBeGreaterThanOrEqual(2);
  const tries = starts.flatMap((one) => ["scheduled", one, "backing_off"]);
  expect(all).toEqual([...tries, "scheduled", "started", "cancel 1", "failed"]);
  expect(reader.events.at(-1)?.data).toEqual({
    state: "failed",
    closedAt: expect.stringMatching(/Z$/) as string,
    message: "no such data set",
  });
  expect(reader.text()).toMatch(/^retry: 1000\n\n/);
  expect(brief(await hopping)).toEqual(all);

  const late = await watch("here", id);
  await late.ended;
  expect(brief(late.events)).toEqual(all);
  for (const [at, { id: lastEventId, event }] of late.events.entries()) {
    const rest = await watch("there", id, lastEventId);
    await rest.ended;
    expect(rest.status).toBe(event === "outcome" ? 204 : 200);
    expect(brief(rest.events)).toEqual(brief(late.events.slice(at + 1)));
  }
});

test("parked: why, and that a redrive goes on with it", async () => {
  handler.script(refused);
  const id = await start("fragile");
  const reader = await watch("there", id);
  const blocked = await told(reader, "blocked", { reason: "parked" });
  expect(blocked["message"]).toBe(
    "parked after attempt 1, a redrive goes on with it: UNAVAILABLE: not yet",
  );
  handler.script({ status: 200, headers: json, body: '"done"' });
  await post(id, "redrive");
  await reader.ended;
  expect(brief(reader.events)).toEqual([
    "scheduled",
    "start 1",
    "parked",
    "scheduled",
    "succeeded",
  ]);
});

test("of a queue: that it waits for a worker, who has it, and its heartbeats' progress, at another gateway", async () => {
  const id = await start("jobs");
  const reader = await watch("there", id, undefined, mesh.workerToken);
  // What serves it behind the endpoint is not the caller's to see.
  const caller = await watch("there", id);
  const blocked = await told(reader, "blocked", { reason: "waiting_for_worker" });
  expect(blocked["message"]).toBe('waits in queue "renders" for a worker');
  expect(await told(caller, "blocked", { reason: "waiting_for_worker" })).toMatchObject({
    message: "waits for a worker",
  });
  const first = tokenOf((await mesh.poll(mesh.here, "?wait=5s"))[0]);
  await told(reader, "state", { state: "started", worker: "by-hand" });
  expect(await told(reader, "blocked")).toMatchObject({ reason: null });
  const beat = (token: string, progress: object) =>
    callApi(mesh.here.url, {
      method: "POST",
      path: "/v1/tasks/heartbeat",
      token: mesh.workerToken,
      json: { worker: "by-hand", tasks: [{ token, progress }] },
    });
  await beat(first, { step: 1, message: "reading" });
  expect(await told(reader, "progress")).toMatchObject({ step: 1, message: "reading" });
  const before = reader.events.length;
  await mesh.answer(mesh.here, "release", first, { json: { tokens: [first] } });
  await told(reader, "blocked", { reason: "waiting_for_worker" }, before);
  const second = tokenOf((await mesh.poll(mesh.here, "?wait=5s"))[0]);
  // A newer report replaces the older one; both were told, for a second lies between them.
  await beat(second, { step: 2 });
  await told(reader, "progress", { step: 2 });
  await mesh.answer(mesh.here, "complete", second, { raw: '"done"' });
  await reader.ended;
  expect(brief(reader.events)).toEqual([
    "scheduled",
    "started",
    "backing_off",
    "started",
    "succeeded",
  ]);
  await caller.ended;
  expect(brief(caller.events)).toEqual(brief(reader.events));
  expect(caller.text()).not.toMatch(/renders|by-hand/);
});
