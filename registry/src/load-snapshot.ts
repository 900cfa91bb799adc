import type { Pool, PoolClient } from "pg";
import {
  defaultEndpointPolicy,
  type EgressRule,
  type Endpoint,
  type EndpointPolicy,
  type Grant,
  type Namespace,
  type Queue,
  type SealedSecret,
  type SigningKey,
  type Snapshot,
  type Target,
} from "./registry.ts";

export async function readVersion(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ version: string }>("select version from registry_version");
  return Number(rows[0]?.version ?? 0);
}

/** The whole control plane as of one moment: a repeatable-read transaction sees no half of a write. */
export async function loadSnapshot(pool: Pool): Promise<Snapshot> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const snapshot = await read(client);
    await client.query("commit");
    return snapshot;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

async function read(client: PoolClient): Promise<Snapshot> {
  const version = await client.query<{ version: string }>("select version from registry_version");
  const namespaces = (await client.query<NamespaceRow>("select * from namespace")).rows.map(
    namespaceOf,
  );
  const namespacesById = new Map(namespaces.map((namespace) => [namespace.id, namespace]));
  const queues = (await client.query<QueueRow>("select * from queue")).rows.map(queueOf);
  const targets = (await client.query<TargetRow>(readTargets)).rows.map(targetOf);
  const targetsById = new Map(targets.map((target) => [target.id, target]));
  const current = new Map(
    targets
      .filter((target) => target.removedAt === null)
      .map((target) => [target.endpointId, target]),
  );
  const endpoints: Endpoint[] = [];
  for (const row of (await client.query<EndpointRow>(readEndpoints)).rows) {
    const target = current.get(row.id);
    const owner = namespacesById.get(row.owner_id);
    if (target === undefined || owner === undefined)
      throw new Error(`endpoint ${row.name} has no target or no owner`);
    endpoints.push(endpointOf(row, owner.name, target));
  }
  const grants = new Map<number, Grant[]>();
  for (const row of (await client.query<GrantRow>('select * from "grant" order by created_at, id'))
    .rows) {
    const grant = grantOf(row);
    grants.set(grant.endpointId, [...(grants.get(grant.endpointId) ?? []), grant]);
  }
  const revoked = await client.query<{ id: string }>(
    "select id from token where revoked_at is not null and (expires_at is null or expires_at > now())",
  );
  const keys = await client.query<SigningKeyRow>(
    "select * from signing_key order by created_at desc, kid",
  );
  return {
    version: Number(version.rows[0]?.version ?? 0),
    namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])),
    namespacesById,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.name, endpoint])),
    endpointsById: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
    targetsById,
    queuesById: new Map(queues.map((queue) => [queue.id, queue])),
    grants,
    revokedTokens: new Set(revoked.rows.map((row) => row.id)),
    signingKeys: keys.rows.map(signingKeyOf),
  };
}

const readEndpoints = `
  select e.*, n.name from endpoint e join endpoint_name n on n.endpoint_id = e.id where n.released_at is null`;

/** Removed targets stay while anything that runs is pinned to them: their cancels still go there. */
const readTargets = `
  select t.*, q.name as queue from target t left join queue q on q.id = t.queue_id
  where t.removed_at is null
     or t.removed_at > now() - interval '1 hour'
     or exists (select 1 from head h where h.endpoint_id = t.endpoint_id and h.target_id = t.id and (h.state < 4 or h.owes <> 0))`;

interface NamespaceRow {
  id: number;
  name: string;
  description: string;
  created_at: Date;
  egress_version: number;
  egress_rules: EgressRule[];
  callback_secrets: { sealed: string; createdAt: string }[];
}
interface EndpointRow {
  id: number;
  name: string;
  owner_id: number;
  description: string;
  policy: Partial<EndpointPolicy>;
  version: number;
  closing: boolean;
  created_at: Date;
  updated_at: Date;
}
interface TargetRow {
  id: number;
  endpoint_id: number;
  kind: "http" | "queue";
  url: string | null;
  queue_id: number | null;
  queue: string | null;
  removed_at: Date | null;
}
interface QueueRow {
  id: number;
  namespace_id: number;
  name: string;
  created_at: Date;
}
interface GrantRow {
  endpoint_id: number;
  id: string;
  caller: string;
  service: string;
  operation: string;
  created_at: Date;
}
interface SigningKeyRow {
  kid: string;
  public_jwk: string;
  sealed_private_jwk: string;
  created_at: Date;
  retired_at: Date | null;
}

function namespaceOf(row: NamespaceRow): Namespace {
  const callbackSecrets: SealedSecret[] = row.callback_secrets.map(({ sealed, createdAt }) => ({
    sealed,
    createdAt: new Date(createdAt),
  }));
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    createdAt: row.created_at,
    egress: { version: row.egress_version, rules: row.egress_rules },
    callbackSecrets,
  };
}

function endpointOf(row: EndpointRow, owner: string, target: Target): Endpoint {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    owner,
    description: row.description,
    // A policy written before a setting existed has its default.
    policy: { ...defaultEndpointPolicy, ...row.policy },
    target,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    closing: row.closing,
  };
}

function targetOf(row: TargetRow): Target {
  const base = { id: row.id, endpointId: row.endpoint_id, removedAt: row.removed_at };
  if (row.kind === "http" && row.url !== null) return { ...base, kind: "http", url: row.url };
  if (row.queue_id !== null && row.queue !== null)
    return { ...base, kind: "queue", queueId: row.queue_id, queue: row.queue };
  throw new Error(`target ${row.id} points nowhere`);
}

function queueOf(row: QueueRow): Queue {
  return {
    id: row.id,
    name: row.name,
    namespaceId: row.namespace_id,
    createdAt: row.created_at,
  };
}

function grantOf(row: GrantRow): Grant {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    caller: row.caller,
    service: row.service,
    operation: row.operation,
    createdAt: row.created_at,
  };
}

function signingKeyOf(row: SigningKeyRow): SigningKey {
  return {
    kid: row.kid,
    publicJwk: row.public_jwk,
    sealedPrivateJwk: row.sealed_private_jwk,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
  };
}
