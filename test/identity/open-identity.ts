import { openRegistry } from "@nexus-mesh/registry/open-registry";
import type { Actor, Registry } from "@nexus-mesh/registry/registry";
import { Pool } from "pg";
import { systemClock, type AdjustableClock } from "../../gateway/src/clock.ts";
import { openKeyring, type OpenedKeyring } from "../../gateway/src/identity/open-keyring.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";

export const actor: Actor = { subject: "test", namespace: null };
export const publicUrl = "https://mesh.example";

export interface OpenIdentity {
  readonly registry: Registry;
  readonly keys: OpenedKeyring;
  readonly clock: AdjustableClock;
  readonly options: { readonly publicUrl: string };
  close(): Promise<void>;
}

/** Registry and keyring of one gateway on a database; several may share one. */
export async function openIdentity(
  database: TestDatabase,
  masterKeys: readonly string[],
): Promise<OpenIdentity> {
  const pool = new Pool({ connectionString: database.url, max: 3 });
  const registry = await openRegistry({
    pool,
    connectionString: database.url,
    onError: () => undefined,
  });
  const clock = systemClock();
  try {
    const keys = await openKeyring({ registry, masterKeys, clock });
    return {
      registry,
      keys,
      clock,
      options: { publicUrl },
      async close() {
        keys.close();
        await registry.close();
        await pool.end();
      },
    };
  } catch (error) {
    await registry.close();
    await pool.end();
    throw error;
  }
}

/** Runs with a database of its own, dropped afterwards with everything that was opened on it. */
export async function withDatabase(
  run: (open: (masterKeys: readonly string[]) => Promise<OpenIdentity>) => Promise<void>,
): Promise<void> {
  const database = await createDatabase();
  const opened: OpenIdentity[] = [];
  try {
    await run(async (masterKeys) => {
      const identity = await openIdentity(database, masterKeys);
      opened.push(identity);
      return identity;
    });
  } finally {
    for (const identity of opened.reverse()) await identity.close();
    await database.drop();
  }
}
