import { startDev } from "../dev/start-dev.ts";
import { createLog } from "../log.ts";
import { createGateway } from "../server.ts";
import { resolveOptions, type Environment, type ServeFlags } from "./resolve-options.ts";
import { stopSignal } from "./stop-signal.ts";

/** Runs until SIGTERM or SIGINT, then drains and closes: resolves when nothing of it is left. */
export async function serve(flags: ServeFlags, environment: Environment): Promise<void> {
  const stop = stopSignal();
  try {
    const running = flags.dev === true ? await startDev(flags) : await startProduction();
    await stop.received;
    await running.stop();
  } finally {
    stop.dispose();
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
