import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCallbackReceiver } from "../harness/callback-receiver.ts";
import { startScriptedHandler } from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { complete, startMesh, type Mesh } from "../engine/mesh.ts";

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh.close());

/** One line of the exposition each, as it must read after the calls below. */
const moved: Readonly<Record<string, RegExp>> = {
  nexus_mesh_starts_total: /\{endpoint="endpoint-1",mode="pass_through",outcome="succeeded"\} 1$/m,
  nexus_mesh_attempts_total: /\{kind="callback",result="ok"\} 1$/m,
  nexus_mesh_attempt_seconds: /_count\{kind="start"\} [2-9]/m,
  nexus_mesh_operations_ended_total: /\{endpoint="endpoint-1",state="succeeded"\} 1$/m,
  nexus_mesh_completions_total: /\{result="settled"\} 1$/m,
  nexus_mesh_denials_total: /\{code="GRANT_MISSING"\} 1$/m,
  nexus_mesh_batch_rows: /_count\{statement="accept"\} 1$/m,
  nexus_mesh_batch_seconds: /_count\{statement="settle"\} 1$/m,
  nexus_mesh_sweep_total: /\{kind="taken"\} [1-9]/m,
  nexus_mesh_waiters: / 1$/m,
  nexus_mesh_event_streams: / 1$/m,
  nexus_mesh_tasks_total: /\{result="claimed"\} 1$/m,
  nexus_mesh_polls_waiting: / 1$/m,
  nexus_mesh_queue_depth: /\{namespace="owner",queue="work",caller="caller"\} 1$/m,
  nexus_mesh_queue_oldest_seconds: /\{namespace="owner",queue="work",caller="caller"\} \d/m,
  nexus_mesh_queue_workers: /\{namespace="owner",queue="work"\} 1$/m,
  nexus_mesh_accepted_bytes_in_flight: / 0$/m,
  nexus_mesh_snapshot_version: / [1-9]\d*$/m,
  nexus_mesh_snapshot_staleness_seconds: / \d/m,
  nexus_mesh_clock_offset_seconds: / -?\d/m,
};

test("every metric moves with what it counts, and none is unknown to this list", async () => {
  const handler = await startScriptedHandler();
  const receiver = await startCallbackReceiver();
  mesh.track(handler, receiver);
  const endpoint = await mesh.endpoint(handler.url);
  await mesh.start(endpoint);
  await mesh.start(endpoint, { as: "stranger" });
  handler.script({
    status: 201,
    headers: { "content-type": "application/json" },
    body: '{"token":"h","state":"running"}',
  });
  const { token } = (
    await mesh.start(endpoint, {
      callback: receiver.url,
      headers: { "operation-timeout": "60s" },
    })
  ).json();
  const poll = request(`${mesh.url}/v1/operations/${token}/result?wait=20s`, {
    headers: { authorization: `Bearer ${mesh.token("caller")}` },
  });
  const watch = request(`${mesh.url}/v1/operations/${token}/events`, {
    headers: { authorization: `Bearer ${mesh.token("caller")}` },
  });
  await waitFor("the long poll to wait", async () =>
    /^nexus_mesh_waiters 1$/m.test(await mesh.metrics()),
  );
  const queued = await mesh.endpoint({ queue: "work" });
  const pollQueue = (queue: string) =>
    request(`${mesh.url}/v1/namespaces/owner/queues/${queue}/poll?wait=20s`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${mesh.token("owner")}`,
        "content-type": "application/json",
      },
      body: '{"worker":"w"}',
    });
  for (let n = 0; n < 2; n += 1) await mesh.start(queued, { prefer: "respond-async" });
  await (await pollQueue("work")).body.dump();
  const idle = await mesh.endpoint({ queue: "idle" });
  const idlePoll = pollQueue("idle");
  await waitFor("the poll to wait and its worker to be written down", async () =>
    /^nexus_mesh_polls_waiting 1$/m.test(await mesh.metrics()),
  );
  const whileWaiting = await mesh.metrics();
  await mesh.start(idle, { prefer: "respond-async" });
  await (await idlePoll).body.dump();
  await waitFor("started", async () => (await mesh.head(token))?.state === "started");
  await mesh.dueNow(token);
  await waitFor("the sweep to take it", async () =>
    /^nexus_mesh_sweep_total\{kind="taken"\} [1-9]/m.test(await mesh.metrics()),
  );
  await complete(handler.calls.at(-1), { state: "succeeded", body: "1" });
  await receiver.next("the completion");
  await (await poll).body.dump();
  await (await watch).body.dump();
  await waitFor("the delivery to be counted", async () =>
    /^nexus_mesh_attempts_total\{kind="callback",result="ok"\} 1$/m.test(await mesh.metrics()),
  );
  const text = await mesh.metrics();
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  expect(names.toSorted()).toEqual(Object.keys(moved).toSorted());
  for (const [name, line] of Object.entries(moved)) {
    const lines = (/_waiters|_event_streams|_polls_waiting/.test(name) ? whileWaiting : text)
      .split("\n")
      .filter((one) => one.startsWith(name))
      .join("\n");
    expect(lines, name).toMatch(line);
  }
});
