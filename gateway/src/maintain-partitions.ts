import {
  dropExpiredPartitions,
  ensurePartitions,
  partitionDaysAhead,
} from "@nexus-mesh/registry/partitions";
import type { Pool } from "pg";
import type { GatewayContext } from "./gateway-context.ts";

/** Makes the partitions ahead and drops those past the retention; returns the days ahead that are there. */
export async function maintainPartitions(
  { clock, log, options }: Pick<GatewayContext, "clock" | "log" | "options">,
  pool: Pool,
): Promise<number> {
  const now = clock.now();
  await ensurePartitions(pool, { now });
  try {
    const { retentionDays } = options;
    const { dropped, kept, callbacks } = await dropExpiredPartitions(pool, { now, retentionDays });
    if (dropped.length > 0)
      log.info({ dropped, callbacks }, "partitions past the retention were dropped");
    if (kept.length > 0)
      log.warn(
        { kept },
        "partitions past the retention hold operations that still run or have just ended",
      );
  } catch (error) {
    // Nothing is lost by keeping them for another hour.
    log.warn({ err: error }, "partitions past the retention could not be dropped");
  }
  return partitionDaysAhead(pool, now);
}
