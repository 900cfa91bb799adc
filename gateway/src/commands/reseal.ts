import { parseMasterKeys } from "../identity/master-key.ts";
import { createSealer } from "../identity/seal.ts";
import type { GatewayOptions } from "../options.ts";
import { resealHeaders } from "../store/reseal-headers.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { withRegistry } from "./with-registry.ts";

const mostPasses = 20;

/**
 * Seals everything at rest with the first master key, so that the second can be given up; returns how many values that
 * were. Runs beside gateways that have both: what they write in the meantime is sealed with the first. A gateway that
 * still seals with the other one would never let it end.
 */
export async function reseal({
  databaseUrl,
  masterKeys,
}: Pick<GatewayOptions, "databaseUrl" | "masterKeys">): Promise<number> {
  const sealer = createSealer(parseMasterKeys(masterKeys));
  return withRegistry(databaseUrl, async (registry, pool) => {
    const actor = { subject: "reseal", namespace: null };
    let count = await registry.resealSecrets(sealer.reseal, actor);
    for (let pass = 1; pass <= mostPasses; pass += 1) {
      const found = await resealHeaders(pool, sealer.reseal);
      if (found === 0) return count;
      count += found;
    }
    throw new ConfigurationError(
      "a gateway still seals with the old master key: restart all with the new one first, then run reseal again",
    );
  });
}
