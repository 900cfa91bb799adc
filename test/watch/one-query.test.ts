import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi, type ApiReply } from "../api/call-api.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";
import { withoutNotifications } from "../harness/without-notifications.ts";
import { startTwoGateways, type TwoGateways } from "../queues/two-gateways.ts";
import { anyone, newOperation, settleBy } from "../store/store-fixture.ts";
import { eventsOf, type EventReader } from "./events-of.ts";

const each = 300;
let mesh: TwoGateways;
/** Of the operations that are watched; the first half by long polls. */
let watched: { key: string; id: string }[];
beforeAll(async () => {
  mesh = await startTwoGateways();
  const { registry, store } = mesh.here.context;
  const { namespaces, endpoints } = registry.snapshot();
  const [endpoint, caller] = [endpoints.get("jobs"), namespaces.get("storefront")];
  if (endpoint?.target.kind !== "queue" || caller === undefined) throw new Error("not seeded");
  const { id: targetId, queueId } = endpoint.target;
  const operations = Array.from({ length: 2 * each }, () =>
    newOperation({
      callerNs: caller.id,
      ownerNs: endpoint.ownerId,
      endpointId: endpoint.id,
      targetId,
      priority: 3,
      initial: { kind: "queued", queueId },
    }),
  );
  await Promise.all(operations.map((operation) => store.accept(operation)));
  watched = operations.map(({ key, id }) => ({ key, id }));
});
afterAll(() => mesh.close());

/** How many operations each query of a gateway asked about. */
function counted({ context: { store } }: TestGateway): { looks: number[]; snapshots: number[] } {
  const asked = { looks: [] as number[], snapshots: [] as number[] };
  const { outdated, snapshots } = store;
  store.outdated = (versions) => {
    // The length is in the array's header.
    asked.looks.push(versions.tids.readInt32BE(12));
    return outdated(versions);
  };
  store.snapshots = (of) => {
    asked.snapshots.push(of.length);
    return snapshots(of);
  };
  return asked;
}

const poll = (at: TestGateway, id: string): Promise<ApiReply> =>
  callApi(at.url, { path: `/v1/operations/${id}?wait=60s`, token: mesh.callerToken });

async function waiting({ context }: TestGateway): Promise<number> {
  const { values } = await context.metrics.waiters.get();
  return values[0]?.value ?? 0;
}

test("many long polls and streams are one query a round, and one more over what has changed", async () => {
  const { here, there } = mesh;
  const ids = watched.map(({ id }) => id);
  const asked = counted(there);
  const polls = ids.slice(0, each).map((id) => poll(there, id));
  const readers = await Promise.all(
    ids.slice(each).map((id) => eventsOf(there.url, id, mesh.callerToken)),
  );
  await waitFor("all polls to wait", async () => (await waiting(there)) === each);
  await waitFor("every stream to be told", () => readers.every(({ events }) => events.length > 1));
  await waitFor("a round over all of them", () => asked.looks.at(-1) === ids.length);
  asked.looks.length = 0;
  asked.snapshots.length = 0;
  await waitFor("ten rounds", () => asked.looks.length >= 10);
  expect(new Set(asked.looks)).toEqual(new Set([ids.length]));
  // Nothing has changed, so nothing was read.
  expect(asked.snapshots).toEqual([]);

  asked.looks.length = 0;
  await Promise.all(watched.map((one) => here.context.store.settle(settleBy(one, anyone))));
  const answers = await Promise.all(polls);
  await Promise.all(readers.map(({ ended }) => ended));
  expect(new Set(answers.map(({ body }) => body["state"]))).toEqual(new Set(["succeeded"]));
  for (const { events } of readers) expect(events.at(-1)?.event).toBe("outcome");
  // Each operation was read once for its end, up to 500 at a time.
  expect(asked.snapshots.reduce((sum, count) => sum + count, 0)).toBe(ids.length);
  expect(asked.snapshots.length).toBeLessThanOrEqual(2 * asked.looks.length);
});

test("without any notification, and through a failing query, who waits at another gateway hears of the end", async () => {
  const database = new URL(mesh.here.databaseUrl);
  const channels = ["nexus_mesh_registry", "nexus_mesh_tasks"];
  const proxy = await startTcpProxy(
    [{ host: database.hostname, port: Number(database.port) }],
    (sent) => channels.reduce((bytes, channel) => withoutNotifications(bytes, channel).bytes, sent),
  );
  database.port = String(proxy.port);
  const deaf = await startGateway({
    databaseUrl: database.href,
    options: { publicUrl: mesh.here.url },
  });
  try {
    const reply = await callApi(mesh.here.url, {
      method: "POST",
      path: "/v1/endpoints/jobs/services/jobs/operations/long",
      token: mesh.callerToken,
      json: "input",
    });
    const id = String(reply.body["id"]);
    const answer = poll(deaf, id);
    const reader: EventReader = await eventsOf(deaf.url, id, mesh.callerToken);
    await waitFor("the poll to wait", async () => (await waiting(deaf)) === 1);
    const { store } = deaf.context;
    const { outdated } = store;
    let failures = 0;
    store.outdated = () => Promise.reject(new Error(`planned failure ${(failures += 1)}`));
    await waitFor("the query to fail", () => failures > 2);
    store.outdated = outdated;
    await mesh.here.engine.terminate(id, "enough");
    expect((await answer).body["state"]).toBe("terminated");
    await reader.ended;
    expect(reader.events.at(-1)?.event).toBe("outcome");
  } finally {
    await deaf.close();
    await proxy.close();
  }
});
