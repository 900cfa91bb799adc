import { createGateway } from "@nexus-mesh/gateway/server";
import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";

/**
 * One gateway as its own process, which sends itself a signal the first time it reaches the point it was given. After
 * SIGKILL no handler runs and no buffer is written, just as when the machine is gone; after SIGSTOP it wakes between
 * what it has just read and what it makes of it.
 */
const { options, crashAt, signal } = JSON.parse(process.argv[2] ?? "") as {
  options: GatewayOptions;
  crashAt: CrashPoint | null;
  signal: NodeJS.Signals;
};

let reached = false;
const gateway = await createGateway(options, {
  crash: (point) => {
    if (point !== crashAt || reached) return;
    reached = true;
    // A pipe is written before the process can go on, so the parent learns that the point was reached.
    process.stderr.write(`reached ${point}\n`);
    process.kill(process.pid, signal);
  },
});
process.stdout.write(`${JSON.stringify({ url: gateway.address, opsUrl: gateway.opsAddress })}\n`);
process.once("SIGTERM", () => {
  void gateway.close().then(() => process.exit(0));
});
