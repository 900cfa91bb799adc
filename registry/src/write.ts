import type { Pool, PoolClient } from "pg";
import type { Actor } from "./registry.ts";

export const registryChannel = "nexus_mesh_registry";

export interface AuditEntry {
  readonly action: string;
  readonly object: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * One change of the control plane: the rows, the version that makes every gateway read again, the audit row and the
 * notification are one transaction. `entry` is what `change` says it did; undefined = nothing changed, nothing is bumped.
 */
export async function write<T>(
  pool: Pool,
  actor: Actor,
  change: (client: PoolClient) => Promise<{ result: T; entry: AuditEntry | undefined }>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    // First, so that writes queue up here and versions are seen in the order of their commits.
    await client.query("select version from registry_version for update");
    const { result, entry } = await change(client);
    if (entry !== undefined) {
      await client.query("update registry_version set version = version + 1");
      await client.query(
        "insert into audit (subject, namespace, action, object, details) values ($1, $2, $3, $4, $5)",
        [
          actor.subject,
          actor.namespace,
          entry.action,
          entry.object,
          JSON.stringify(entry.details ?? {}),
        ],
      );
      await client.query("select pg_notify($1, '')", [registryChannel]);
    }
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}
