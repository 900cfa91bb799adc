import type { PoolClient } from "pg";
import { assertVersion } from "./namespace-writes.ts";
import { RegistryConflict, type Condition, type EndpointInput } from "./registry.ts";
import type { AuditEntry } from "./write.ts";

interface Change<T> {
  readonly result: T;
  readonly entry: AuditEntry | undefined;
}

interface Found {
  readonly id: number;
  readonly owner_id: number;
  readonly version: number;
  readonly url: string | null;
  readonly queue_id: number | null;
}

export async function putEndpoint(
  client: PoolClient,
  input: EndpointInput,
  condition: Condition,
): Promise<Change<{ created: boolean }>> {
  const found = await find(client, input.name);
  if (input.seenOwnerId !== undefined && (found?.owner_id ?? null) !== input.seenOwnerId) {
    throw new RegistryConflict(
      "exists",
      `endpoint "${input.name}" was made, moved or deleted by somebody else just now`,
      found?.version,
    );
  }
  if (found === undefined) {
    if (typeof condition === "object")
      throw new RegistryConflict(
        "version",
        `endpoint "${input.name}" does not exist, so it has no version ${condition.version}`,
      );
    await create(client, input);
    return {
      result: { created: true },
      entry: { action: "endpoint.create", object: input.name, details: audited(input) },
    };
  }
  assertVersion(condition, found.version, `endpoint "${input.name}"`);
  await client.query(
    `update endpoint set owner_id = $2, description = $3, policy = $4, version = version + 1, updated_at = now(), closing = false where id = $1`,
    [found.id, input.ownerId, input.description, JSON.stringify(input.policy)],
  );
  const { url, queueId } = await located(client, input);
  if (found.url !== url || found.queue_id !== queueId) {
    // The old one drains: operations are pinned to their target.
    await client.query(
      "update target set removed_at = now() where endpoint_id = $1 and removed_at is null",
      [found.id],
    );
    await addTarget(client, found.id, input);
  }
  return {
    result: { created: false },
    entry: { action: "endpoint.update", object: input.name, details: audited(input) },
  };
}

/** Closes it for starts; undefined = there is none of that name. */
export async function closeEndpoint(
  client: PoolClient,
  name: string,
  condition: Condition,
): Promise<Change<number | undefined>> {
  const found = await find(client, name);
  if (found === undefined) return { result: undefined, entry: undefined };
  assertVersion(condition, found.version, `endpoint "${name}"`);
  await client.query("update endpoint set closing = true where id = $1", [found.id]);
  return { result: found.id, entry: { action: "endpoint.close", object: name } };
}

export async function reopenEndpoint(
  client: PoolClient,
  id: number,
  name: string,
): Promise<Change<undefined>> {
  await client.query("update endpoint set closing = false where id = $1", [id]);
  return { result: undefined, entry: { action: "endpoint.reopen", object: name } };
}

/** How many operations run there; 0 = it is deleted. */
export async function deleteClosedEndpoint(
  client: PoolClient,
  id: number,
  name: string,
): Promise<Change<number>> {
  const { rows } = await client.query<{ n: number }>(
    "select count(*)::int as n from head where endpoint_id = $1 and (state < 4 or owes <> 0)",
    [id],
  );
  const running = rows[0]?.n ?? 0;
  if (running > 0) return { result: running, entry: undefined };
  const { rowCount } = await client.query("delete from endpoint where id = $1 and closing", [id]);
  if (rowCount === 0) {
    throw new RegistryConflict(
      "version",
      `endpoint "${name}" was changed while it was being deleted`,
    );
  }
  return { result: 0, entry: { action: "endpoint.delete", object: name } };
}

async function find(client: PoolClient, name: string): Promise<Found | undefined> {
  const { rows } = await client.query<Found>(
    `select e.id, e.owner_id, e.version, t.url, t.queue_id from endpoint_name n join endpoint e on e.id = n.endpoint_id
     join target t on t.endpoint_id = e.id and t.removed_at is null
     where n.name = $1 and n.released_at is null`,
    [name],
  );
  return rows[0];
}

async function create(client: PoolClient, input: EndpointInput): Promise<void> {
  const { rows } = await client.query<{ id: number }>(
    "insert into endpoint (owner_id, description, policy) values ($1, $2, $3) returning id",
    [input.ownerId, input.description, JSON.stringify(input.policy)],
  );
  const id = rows[0]?.id;
  await client.query("insert into endpoint_name (name, endpoint_id) values ($1, $2)", [
    input.name,
    id,
  ]);
  await addTarget(client, id, input);
}

async function addTarget(
  client: PoolClient,
  endpointId: number | undefined,
  input: EndpointInput,
): Promise<void> {
  const { url, queueId } = await located(client, input);
  await client.query(
    "insert into target (endpoint_id, kind, url, queue_id) values ($1, $2, $3, $4)",
    [endpointId, input.target.kind, url, queueId],
  );
}

/** Where a target lies, as its row says it. A queue is made by the first endpoint that points at it. */
async function located(
  client: PoolClient,
  { target, ownerId }: EndpointInput,
): Promise<{ url: string | null; queueId: number | null }> {
  if (target.kind === "http") return { url: target.url, queueId: null };
  await client.query(
    "insert into queue (namespace_id, name) values ($1, $2) on conflict (namespace_id, name) do nothing",
    [ownerId, target.queue],
  );
  const { rows } = await client.query<{ id: number }>(
    "select id from queue where namespace_id = $1 and name = $2",
    [ownerId, target.queue],
  );
  return { url: null, queueId: rows[0]?.id ?? null };
}

/** A URL's user info may be a credential. */
function audited({ target, ownerId, policy }: EndpointInput): Record<string, unknown> {
  if (target.kind === "queue") return { queue: target.queue, ownerId, policy };
  const url = new URL(target.url);
  return { target: url.origin + url.pathname, ownerId, policy };
}
