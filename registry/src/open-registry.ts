import { setTimeout as delay } from "node:timers/promises";
import {
  closeEndpoint,
  deleteClosedEndpoint,
  putEndpoint,
  reopenEndpoint,
} from "./endpoint-writes.ts";
import { keepFresh } from "./keep-fresh.ts";
import { loadSnapshot, readVersion } from "./load-snapshot.ts";
import {
  deleteNamespace,
  putEgress,
  putNamespace,
  setCallbackSecrets,
} from "./namespace-writes.ts";
import { deleteQueue } from "./queue-writes.ts";
import {
  RegistryConflict,
  type Actor,
  type Registry,
  type RegistryOptions,
  type Snapshot,
  type TokenRecord,
} from "./registry.ts";
import { resealSecrets } from "./reseal-secrets.ts";
import { write } from "./write.ts";

/** Snapshots older than this are nowhere in use any more: every gateway polls several times as often. */
const defaultStaleSnapshotMs = 2_000;
const defaultPollMs = 250;

/** Reads the control plane into memory and keeps it fresh until `close`. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { pool, onError } = options;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let snapshot = await loadSnapshot(pool);
  let confirmedAt = performance.now();
  let reading: Promise<Snapshot> | undefined;
  let following: Promise<Snapshot> | undefined;

  /**
   * A call during a read waits for the one that follows it, for that read may have begun before the change. All such
   * calls share the one follower, so that a steady stream of changes keeps nobody waiting for longer than two reads.
   */
  function refresh(): Promise<Snapshot> {
    if (reading === undefined) {
      reading = read();
      return reading;
    }
    following ??= reading
      .catch(() => undefined)
      .then(() => {
        following = undefined;
        return refresh();
      });
    return following;
  }

  async function read(): Promise<Snapshot> {
    try {
      const asked = performance.now();
      const loaded = await loadSnapshot(pool);
      confirmedAt = asked;
      if (loaded.version > snapshot.version) {
        snapshot = loaded;
        for (const listener of listeners) listener(snapshot);
      }
      return snapshot;
    } finally {
      // Here and not after the promise: whoever asks in between must not join a read that is over.
      reading = undefined;
    }
  }

  const fresh = keepFresh({
    connectionString: options.connectionString,
    pollMs: options.pollMs ?? defaultPollMs,
    changed: () => {
      refresh().catch(onError);
    },
    async poll() {
      const asked = performance.now();
      if ((await readVersion(pool)) === snapshot.version) confirmedAt = asked;
      else await refresh();
    },
    onError,
  });

  async function change<T>(actor: Actor, statement: Parameters<typeof write<T>>[2]): Promise<T> {
    const result = await write(pool, actor, statement);
    await refresh();
    return result;
  }

  function required<T>(value: T | undefined, what: string): T {
    if (value === undefined) throw new Error(`${what} was written and is not in the snapshot`);
    return value;
  }

  return {
    snapshot: () => snapshot,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    staleness: () => performance.now() - confirmedAt,

    async putNamespace(name, description, condition, actor) {
      const { created } = await change(actor, (client) =>
        putNamespace(client, name, description, condition),
      );
      return { namespace: required(snapshot.namespaces.get(name), `namespace "${name}"`), created };
    },
    deleteNamespace: (name, actor) => change(actor, (client) => deleteNamespace(client, name)),
    setCallbackSecrets: (id, secrets, seen, actor) =>
      change(actor, (client) => setCallbackSecrets(client, id, secrets, seen)),
    async putEgress(id, rules, condition, actor) {
      await change(actor, (client) => putEgress(client, id, rules, condition));
      return required(snapshot.namespacesById.get(id), `namespace ${id}`).egress;
    },

    async putEndpoint(input, condition, actor) {
      const { created } = await change(actor, (client) => putEndpoint(client, input, condition));
      return {
        endpoint: required(snapshot.endpoints.get(input.name), `endpoint "${input.name}"`),
        created,
      };
    },
    async deleteEndpoint(name, condition, actor, staleSnapshotMs = defaultStaleSnapshotMs) {
      const id = await change(actor, (client) => closeEndpoint(client, name, condition));
      if (id === undefined) return false;
      let running: number;
      try {
        // A gateway with an older snapshot may accept a start until then.
        await delay(staleSnapshotMs);
        running = await change(actor, (client) => deleteClosedEndpoint(client, id, name));
      } catch (error) {
        // Not left closed because something in between went wrong.
        await change(actor, (client) => reopenEndpoint(client, id, name));
        throw error;
      }
      if (running === 0) return true;
      await change(actor, (client) => reopenEndpoint(client, id, name));
      throw new RegistryConflict(
        "in-use",
        `endpoint "${name}" has ${running} operation${running === 1 ? "" : "s"} that run or owe a callback`,
      );
    },

    deleteQueue: (namespaceId, name, actor) =>
      change(actor, (client) => deleteQueue(client, namespaceId, name)),

    async putGrant(grant, actor) {
      const { created } = await change(actor, async (client) => {
        const { rows } = await client.query<{ created: boolean }>(
          `insert into "grant" (endpoint_id, id, caller, service, operation) values ($1, $2, $3, $4, $5)
           on conflict (endpoint_id, id) do update set caller = excluded.caller, service = excluded.service, operation = excluded.operation
           returning xmax = 0 as created`,
          [grant.endpointId, grant.id, grant.caller, grant.service, grant.operation],
        );
        return {
          result: { created: rows[0]?.created === true },
          entry: {
            action: "grant.put",
            object: `${grant.endpointId}/${grant.id}`,
            details: { ...grant },
          },
        };
      });
      const stored = snapshot.grants.get(grant.endpointId)?.find((found) => found.id === grant.id);
      return { grant: required(stored, `grant "${grant.id}"`), created };
    },
    deleteGrant: (endpointId, grantId, actor) =>
      change(actor, async (client) => {
        const { rowCount } = await client.query(
          'delete from "grant" where endpoint_id = $1 and id = $2',
          [endpointId, grantId],
        );
        const deleted = rowCount === 1;
        return {
          result: deleted,
          entry: deleted
            ? { action: "grant.delete", object: `${endpointId}/${grantId}` }
            : undefined,
        };
      }),

    addToken: (token, actor) =>
      change(actor, async (client) => {
        const { rows } = await client.query<TokenRow>(
          "insert into token (id, namespace_id, role, subject, expires_at) values ($1, $2, $3, $4, $5) returning *",
          [token.id, token.namespaceId, token.role, token.subject, token.expiresAt],
        );
        const [row] = rows;
        return {
          result: tokenOf(required(row, `token ${token.id}`)),
          entry: {
            action: "token.issue",
            object: token.id,
            details: { role: token.role, subject: token.subject, namespaceId: token.namespaceId },
          },
        };
      }),
    async listTokens(namespaceId) {
      const { rows } = await pool.query<TokenRow>(
        "select * from token where namespace_id is not distinct from $1 order by created_at desc, id",
        [namespaceId],
      );
      return rows.map(tokenOf);
    },
    revokeToken: (namespaceId, id, actor) =>
      change(actor, async (client) => {
        const { rowCount } = await client.query(
          "update token set revoked_at = coalesce(revoked_at, now()) where id = $1 and namespace_id is not distinct from $2",
          [id, namespaceId],
        );
        const found = rowCount === 1;
        return { result: found, entry: found ? { action: "token.revoke", object: id } : undefined };
      }),

    addSigningKey: (key, actor) =>
      change(actor, async (client) => {
        const { rowCount } = await client.query(
          "insert into signing_key (kid, public_jwk, sealed_private_jwk) values ($1, $2, $3) on conflict (kid) do nothing",
          [key.kid, key.publicJwk, key.sealedPrivateJwk],
        );
        return {
          result: undefined,
          entry: rowCount === 1 ? { action: "signing-key.add", object: key.kid } : undefined,
        };
      }),
    async ensureSecret(name, sealed) {
      await pool.query(
        "insert into secret (name, sealed) values ($1, $2) on conflict (name) do nothing",
        [name, sealed],
      );
      const { rows } = await pool.query<{ sealed: string }>(
        "select sealed from secret where name = $1",
        [name],
      );
      return required(rows[0], `secret "${name}"`).sealed;
    },
    resealSecrets: (reseal, actor) => change(actor, (client) => resealSecrets(client, reseal)),
    claimBootstrap: (force, actor) =>
      change(actor, async (client) => {
        const { rowCount } = await client.query(
          "insert into bootstrap (subject) values ($1) on conflict (singleton) do nothing",
          [actor.subject],
        );
        const claimed = rowCount === 1 || force;
        return {
          result: claimed,
          entry: claimed ? { action: "bootstrap", object: "mesh", details: { force } } : undefined,
        };
      }),

    close: () => fresh.stop(),
  };
}

interface TokenRow {
  id: string;
  namespace_id: number | null;
  role: TokenRecord["role"];
  subject: string;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

function tokenOf(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    namespaceId: row.namespace_id,
    role: row.role,
    subject: row.subject,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
