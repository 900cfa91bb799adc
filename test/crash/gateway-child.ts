import { createGateway } from "@nexus-mesh/gateway/server";
import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";

/**
 * One gateway as its own process, which kills itself with SIGKILL the first time it reaches the point it was given:
 * no handler runs, no buffer is written, just as when the machine is gone.
 */
const { options, crashAt } = JSON.parse(process.argv[2] ?? "") as {
  options: GatewayOptions;
  crashAt: CrashPoint | null;
};

const gateway = await createGateway(options, {
  crash: (point) => {
    if (point !== crashAt) return;
    // A pipe is written before the process can go on, so the parent learns that the point was reached.
    process.stderr.write(`reached ${point}\n`);
    process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(`${JSON.stringify({ url: gateway.address })}\n`);
process.once("SIGTERM", () => {
  void gateway.close().then(() => process.exit(0));
});
