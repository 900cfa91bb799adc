import { afterEach, beforeEach, expect, test } from "vitest";
import { Pool } from "pg";
import { openRegistry } from "../../registry/src/open-registry.ts";
import {
  defaultEndpointPolicy,
  RegistryConflict,
  type EndpointInput,
  type Registry,
} from "../../registry/src/registry.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";
import { waitFor } from "../harness/wait-for.ts";

let database: TestDatabase;
let pool: Pool;
const opened: Registry[] = [];
const actor = { subject: "tester", namespace: null };
const never = 3_600_000;

beforeEach(async () => {
  database = await createDatabase();
  pool = new Pool({ connectionString: database.url, max: 8 });
  // end() resolves before its sockets are closed, and the drop of the database ends them.
  pool.on("error", () => undefined);
});
afterEach(async () => {
  for (const registry of opened.splice(0)) await registry.close();
  await pool.end();
  await database.drop();
});

async function open(pollMs?: number): Promise<Registry> {
  const registry = await openRegistry({
    pool,
    connectionString: database.url,
    ...(pollMs === undefined ? {} : { pollMs }),
    onError: () => undefined,
  });
  opened.push(registry);
  return registry;
}

/** How many connections listen, each named by its backend. */
async function listeners(): Promise<number[]> {
  const { rows } = await pool.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = current_database() and query = 'listen nexus_mesh_registry'",
  );
  return rows.map((row) => row.pid);
}

async function payments(
  registry: Registry,
  targetUrl = "http://a.example/",
): Promise<EndpointInput> {
  const { namespace } = await registry.putNamespace("payments", "", "any", actor);
  return {
    name: "charges",
    ownerId: namespace.id,
    description: "",
    target: { kind: "http" as const, url: targetUrl },
    policy: defaultEndpointPolicy,
  };
}

async function insertHead(endpointId: number, targetId: number, state: number): Promise<void> {
  await pool.query(
    `insert into head (key, id, caller_ns, owner_ns, endpoint_id, target_id, input_hash, state, due_at, close_by, window_ms)
     values (gen_random_uuid(), gen_random_uuid(), 1, 1, $1, $2, gen_random_uuid(), $3, now(), now(), 0)`,
    [endpointId, targetId, state],
  );
}

test("a write shows in its own snapshot at once and, notified, in another registry", async () => {
  const [here, there] = [await open(never), await open(never)];
  await waitFor("both listen", async () => (await listeners()).length === 2);
  const seen: number[] = [];
  there.onChange((snapshot) => seen.push(snapshot.version));
  await here.putEndpoint(await payments(here), "absent", actor);
  expect(here.snapshot().endpoints.get("charges")?.owner).toBe("payments");
  await waitFor("the endpoint there", () => there.snapshot().endpoints.get("charges"));
  expect(seen.at(-1)).toBe(here.snapshot().version);
});

test("a registry whose LISTEN connection was terminated listens anew and reads what it missed", async () => {
  const [here, there] = [await open(never), await open(never)];
  await waitFor("both listen", async () => (await listeners()).length === 2);
  const before = await listeners();
  await pool.query("select pg_terminate_backend(pid) from unnest($1::int[]) pid", [before]);
  await here.putNamespace("missed", "", "absent", actor);
  await waitFor("what was missed", () => there.snapshot().namespaces.get("missed"));
  await waitFor("both listen anew", async () => (await listeners()).length === 2);
  await here.putNamespace("heard", "", "absent", actor);
  await waitFor("what was notified", () => there.snapshot().namespaces.get("heard"));
});

test("a change that nobody was notified of is found by the poll", async () => {
  const registry = await open(20);
  await waitFor("it listens", async () => (await listeners()).length === 1);
  await pool.query("insert into namespace (name) values ('silent')");
  await pool.query("update registry_version set version = version + 1");
  await waitFor("the namespace", () => registry.snapshot().namespaces.get("silent"));
});

test("a write's condition is kept, and a conflict names the version that is there", async () => {
  const registry = await open();
  const input = await payments(registry);
  const { endpoint } = await registry.putEndpoint(input, "absent", actor);
  await expect(registry.putEndpoint(input, "absent", actor)).rejects.toThrow(RegistryConflict);
  const { endpoint: second } = await registry.putEndpoint(
    input,
    { version: endpoint.version },
    actor,
  );
  const stale = registry.putEndpoint(input, { version: endpoint.version }, actor);
  await expect(stale).rejects.toMatchObject({ kind: "version", currentVersion: second.version });
  const unknown = registry.putEndpoint({ ...input, name: "other" }, { version: 1 }, actor);
  await expect(unknown).rejects.toMatchObject({ kind: "version" });
  await expect(registry.deleteNamespace("payments", actor)).rejects.toMatchObject({
    kind: "in-use",
  });
});

test("two writers of one version: one wins", async () => {
  const [here, there] = [await open(), await open()];
  const input = await payments(here);
  const { endpoint } = await here.putEndpoint(input, "absent", actor);
  const condition = { version: endpoint.version };
  const results = await Promise.allSettled(
    [here, there].map((registry) => registry.putEndpoint(input, condition, actor)),
  );
  expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("an endpoint with operations is reopened and not deleted; without them it goes", async () => {
  const registry = await open();
  const { endpoint } = await registry.putEndpoint(await payments(registry), "absent", actor);
  await insertHead(endpoint.id, endpoint.target.id, 1);
  const closing: boolean[] = [];
  registry.onChange((snapshot) =>
    closing.push(snapshot.endpointsById.get(endpoint.id)?.closing === true),
  );
  const refused = registry.deleteEndpoint("charges", "any", actor, 0);
  await expect(refused).rejects.toMatchObject({ kind: "in-use" });
  expect(closing).toContain(true);
  expect(registry.snapshot().endpoints.get("charges")?.closing).toBe(false);

  await pool.query("update head set state = 4");
  expect(await registry.deleteEndpoint("charges", "any", actor, 0)).toBe(true);
  expect(registry.snapshot().endpoints.has("charges")).toBe(false);
  expect(await registry.deleteEndpoint("charges", "any", actor, 0)).toBe(false);
});

test("a replaced target stays in snapshots while an operation is pinned to it", async () => {
  const registry = await open();
  const { endpoint } = await registry.putEndpoint(await payments(registry), "absent", actor);
  const old = endpoint.target.id;
  await insertHead(endpoint.id, old, 3);
  const moved = await payments(registry, "http://b.example/");
  const { endpoint: after } = await registry.putEndpoint(moved, "any", actor);
  expect(after.target).toMatchObject({ url: "http://b.example/", removedAt: null });
  // Long past the hour that any removed target stays.
  await pool.query("update target set removed_at = now() - interval '1 day' where id = $1", [old]);
  await registry.putNamespace("reload-1", "", "any", actor);
  expect(registry.snapshot().targetsById.get(old)?.removedAt).toBeInstanceOf(Date);
  await pool.query("update head set state = 4");
  await registry.putNamespace("reload-2", "", "any", actor);
  expect(registry.snapshot().targetsById.has(old)).toBe(false);
});

test("queues belong to the owner: endpoints that name the same one share it, and a moved one points at the new owner's", async () => {
  const registry = await open();
  const input = {
    ...(await payments(registry)),
    target: { kind: "queue", queue: "work" },
  } as const;
  const { endpoint } = await registry.putEndpoint(input, "any", actor);
  const { endpoint: second } = await registry.putEndpoint(
    { ...input, name: "refunds" },
    "any",
    actor,
  );
  const { target } = endpoint;
  const queueId = target.kind === "queue" ? target.queueId : undefined;
  expect(second.target).toMatchObject({ kind: "queue", queue: "work", queueId });
  expect(registry.snapshot().queuesById.get(queueId ?? 0)).toMatchObject({
    name: "work",
    namespaceId: input.ownerId,
  });
  const { endpoint: same } = await registry.putEndpoint(input, "any", actor);
  expect(same.target.id).toBe(target.id);
  const { namespace: heir } = await registry.putNamespace("heir", "", "any", actor);
  const { endpoint: moved } = await registry.putEndpoint(
    { ...input, ownerId: heir.id },
    "any",
    actor,
  );
  expect(moved.target).toMatchObject({ kind: "queue", queue: "work" });
  expect(moved.target).not.toMatchObject({ queueId });
  await registry.deleteEndpoint("refunds", "any", actor);
  // Operations of before the move may still be served from the queue.
  await expect(registry.deleteNamespace("payments", actor)).rejects.toMatchObject({
    kind: "in-use",
  });
});

test("every write leaves an audit row of who did it, and none holds a target's credentials", async () => {
  const registry = await open();
  const secret = "http://user:hunter2@a.example/?key=hunter2";
  await registry.putEndpoint(await payments(registry, secret), "any", actor);
  const { rows } = await pool.query<{ subject: string; action: string; details: unknown }>(
    "select subject, action, details from audit where subject = 'tester' order by id",
  );
  expect(rows.map((row) => row.action)).toContain("endpoint.create");
  expect(JSON.stringify(rows)).not.toContain("hunter2");
});

test("bootstrap is claimed once, by one of many, and again with force", async () => {
  const [here, there] = [await open(), await open()];
  const claims = await Promise.all(
    [here, there].map((registry) => registry.claimBootstrap(false, actor)),
  );
  expect(claims.filter(Boolean)).toHaveLength(1);
  expect(await here.claimBootstrap(true, actor)).toBe(true);
});

test("a mesh secret keeps its first value", async () => {
  const registry = await open();
  expect(await registry.ensureSecret("made-by-test", "first")).toBe("first");
  expect(await registry.ensureSecret("made-by-test", "second")).toBe("first");
});

test("a revoked token is in the snapshot, and only of its own namespace can it be revoked", async () => {
  const registry = await open();
  const { ownerId } = await payments(registry);
  const id = "22222222-2222-4222-8222-222222222222";
  await registry.addToken(
    { id, namespaceId: ownerId, role: "owner", subject: "s", expiresAt: null },
    actor,
  );
  expect(await registry.revokeToken(null, id, actor)).toBe(false);
  expect(registry.snapshot().revokedTokens.has(id)).toBe(false);
  expect(await registry.revokeToken(ownerId, id, actor)).toBe(true);
  expect(registry.snapshot().revokedTokens.has(id)).toBe(true);
});
