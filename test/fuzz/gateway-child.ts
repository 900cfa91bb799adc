import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as delay } from "node:timers/promises";
import { createGateway } from "@nexus-mesh/gateway/server";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import type { Memory } from "./fuzzed-gateway.ts";

/** The gateway that is fuzzed, alone in its process: what is seen of memory and of faults is its own. */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const gateway = await createGateway(JSON.parse(process.argv[2] ?? "") as GatewayOptions);
process.on("message", (message) => {
  if (message === "memory") void memory().then((found) => process.send?.(found));
  else void gateway.close().then(() => process.exit(0));
});
process.send?.({ url: gateway.address });

/** Once nothing waits to be collected any more: right after a burst most of it is that. */
async function memory(): Promise<Memory> {
  for (let n = 0; n < 3; n += 1) {
    await delay(500);
    collect();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, held: heapUsed + external };
}
