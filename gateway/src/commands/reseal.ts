import { assertSchema } from "@nexus-mesh/registry/migrate";
import { openRegistry } from "@nexus-mesh/registry/open-registry";
import { parseMasterKeys } from "../identity/master-key.ts";
import { createSealer } from "../identity/seal.ts";
import type { GatewayOptions } from "../options.ts";
import { openPool } from "../store/open-pool.ts";
import { resealHeaders } from "../store/reseal-headers.ts";

/**
 * Seals everything at rest with the first master key, so that the second can be given up. Runs beside gateways that have
 * both. What a gateway held in memory meanwhile may be written under the old key once more, hence the further passes.
 */
export async function reseal({
  databaseUrl,
  masterKeys,
}: Pick<GatewayOptions, "databaseUrl" | "masterKeys">): Promise<number> {
  const sealer = createSealer(parseMasterKeys(masterKeys));
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
      let count = await registry.resealSecrets(sealer.reseal, {
        subject: "reseal",
        namespace: null,
      });
      for (let found = 1; found > 0; count += found)
        found = await resealHeaders(pool, sealer.reseal);
      return count;
    } finally {
      await registry.close();
    }
  } finally {
    await close();
  }
}
