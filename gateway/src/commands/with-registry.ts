import { assertSchema } from "@nexus-mesh/registry/migrate";
import { openRegistry } from "@nexus-mesh/registry/open-registry";
import type { Registry } from "@nexus-mesh/registry/registry";
import type { Pool } from "pg";
import { openPool } from "../store/open-pool.ts";

/** For a command that writes and ends. Throws when the schema is not this version's. */
export async function withRegistry<T>(
  databaseUrl: string,
  run: (registry: Registry, pool: Pool) => Promise<T>,
): Promise<T> {
  const { pool, close } = openPool({ connectionString: databaseUrl, max: 2 }, () => undefined);
  try {
    await assertSchema(pool);
    const registry = await openRegistry({
      pool,
      connectionString: databaseUrl,
      // It lives for one write, which reports for itself.
      onError: () => undefined,
    });
    try {
      return await run(registry, pool);
    } finally {
      await registry.close();
    }
  } finally {
    await close();
  }
}
