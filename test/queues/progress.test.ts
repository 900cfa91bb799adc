import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../api/call-api.ts";
import { callbackHeadersOf, startMesh, type Mesh } from "../engine/mesh.ts";
import { startChildGateway } from "../crash/child-gateway.ts";
import { startScriptedHandler, type HandlerCall } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";

let mesh: Mesh;
let pool: pg.Pool;
beforeAll(async () => {
  mesh = await startMesh();
  pool = new pg.Pool({ connectionString: mesh.databaseUrl, max: 2 });
});
afterAll(async () => {
  await pool.end();
  await mesh.close();
});

async function startOperation(): Promise<{ id: string; call: HandlerCall }> {
  const handler = await startScriptedHandler({
    status: 201,
    headers: { "content-type": "application/json" },
    body: '{"token":"h","state":"running"}',
  });
  mesh.track(handler);
  const endpoint = await mesh.endpoint(handler.url);
  const { token: id } = (await mesh.start(endpoint, { prefer: "respond-async" })).json();
  const call = await handler.nextCall("the start", () => true);
  return { id, call };
}

const report = (at: string, call: HandlerCall, id: string, json: object) =>
  callApi(at, {
    method: "POST",
    path: `/v1/operations/${id}/progress`,
    headers: callbackHeadersOf(call),
    json,
  });

const seen = async (id: string) =>
  (await callApi(mesh.url, { path: `/v1/operations/${id}`, token: mesh.token("caller") })).body[
    "progress"
  ];

test("a handler behind a URL reports with its callback token, and the caller sees it", async () => {
  const { id, call } = await startOperation();
  // The start names the operation that is reported on.
  expect(call.headers["nexus-mesh-operation-id"]).toBe(id);
  expect(await seen(id)).toBeNull();
  const reported = await report(mesh.url, call, id, { step: 1, of: 2, detail: { rows: [1] } });
  expect(reported.status).toBe(202);
  expect(await seen(id)).toEqual({
    step: 1,
    of: 2,
    message: null,
    at: expect.stringMatching(/Z$/) as string,
    detail: { rows: [1] },
  });
  const other = await startOperation();
  const foreign = await report(mesh.url, other.call, id, { step: 2 });
  expect(foreign.body).toMatchObject({ code: "INVALID_CALLBACK_TOKEN" });
  const large = await report(mesh.url, call, id, { detail: "x".repeat(5_000) });
  expect(large.body).toMatchObject({
    code: "INVALID_REQUEST",
    errors: [{ pointer: "/detail", rule: "max-bytes" }],
  });
  await mesh.engine.terminate(id, "enough");
  await waitFor("the refusal of what has ended", async () => {
    const late = await report(mesh.url, call, id, { step: 3 });
    return late.body["code"] === "OPERATION_CLOSED";
  });
});

test("a token of another operation neither replaces nor drops what is reported on this one", async () => {
  const { id, call } = await startOperation();
  const handler = await startScriptedHandler();
  mesh.track(handler);
  expect((await mesh.start(await mesh.endpoint(handler.url))).status).toBe(200);
  // Of a synchronous call: it names a key, and no id.
  const foreign = await handler.nextCall("the call", () => true);
  expect((await report(mesh.url, call, id, { step: 1 })).status).toBe(202);
  expect((await report(mesh.url, call, id, { step: 2 })).status).toBe(202);
  for (let n = 0; n < 2; n += 1) {
    const other = await report(mesh.url, foreign, id, { step: 99 });
    expect(other.body).toMatchObject({ code: "OPERATION_NOT_FOUND" });
  }
  const step = await waitFor("the second report", async () => {
    const progress = (await seen(id)) as { step: number };
    return progress.step > 1 ? progress.step : undefined;
  });
  expect(step).toBe(2);
});

test("however often and wherever it is reported, it is written once a second; the newest report gets through, also after its gateway's death", async () => {
  const { id, call } = await startOperation();
  const child = await startChildGateway(await mesh.anotherGateway(), null);
  await pool.query(`
    create table written (at timestamptz);
    create function note_write() returns trigger language plpgsql as $$
      begin insert into written values (now()); return null; end $$;
    create trigger noted after update on head for each row
      when (old.progress is distinct from new.progress) execute function note_write()`);
  const writes = async () =>
    (await pool.query<{ n: number }>("select count(*)::int as n from written")).rows[0]?.n ?? 0;
  let step = 0;
  while ((await writes()) < 3) {
    step += 1;
    const at = step % 2 === 0 ? mesh.url : child.url;
    expect((await report(at, call, id, { step })).status).toBe(202);
  }
  child.signal("SIGKILL");
  await child.exited;
  await waitFor("the newest report of the gateway that is left", async () => {
    const progress = await seen(id);
    return (progress as { step: number }).step >= step - 1;
  });
  const { rows } = await pool.query<{ gap: number }>(
    "select extract(epoch from at - lag(at) over (order by at))::float8 as gap from written order by at offset 1",
  );
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.length).toBeLessThan(step / 2);
  for (const { gap } of rows) expect(gap).toBeGreaterThanOrEqual(1);
});
