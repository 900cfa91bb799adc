import { createLog } from "../log.ts";
import { createGateway } from "../server.ts";
import { resolveOptions, type Environment, type ServeFlags } from "./resolve-options.ts";
import { stopSignal } from "./stop-signal.ts";

const stopWithinMs = 30_000;

/** Runs until SIGTERM or SIGINT, then drains and closes: resolves when nothing of it is left. */
export async function serve(flags: ServeFlags, environment: Environment): Promise<void> {
  const stop = stopSignal();
  try {
    const running = flags.dev === true ? await startDevelopment() : await startProduction();
    await stop.received;
    // What hangs then (a dead network under a pool) has nothing left to save: leases end by themselves.
    const late = setTimeout(() => process.exit(1), stopWithinMs);
    await running.stop();
    clearTimeout(late);
  } finally {
    stop.dispose();
  }

  async function startDevelopment(): Promise<{ stop(): Promise<void> }> {
    // Production never loads the embedded Postgres.
    const { startDev } = await import("../dev/start-dev.ts");
    return startDev(flags);
  }

  async function startProduction(): Promise<{ stop(): Promise<void> }> {
    const log = createLog(flags.logLevel ?? "info");
    const gateway = await createGateway(resolveOptions(flags, environment), { log });
    return {
      async stop() {
        log.info("draining");
        await gateway.drain();
        await gateway.close();
        log.info("stopped");
      },
    };
  }
}
