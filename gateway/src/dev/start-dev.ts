import { createServer } from "node:net";
import { resolve } from "node:path";
import { migrate } from "@nexus-mesh/registry/migrate";
import { listenOptions, isLoopback, type ServeFlags } from "../commands/resolve-options.ts";
import { ConfigurationError } from "../commands/configuration-error.ts";
import { createLog } from "../log.ts";
import type { GatewayOptions } from "../options.ts";
import { createGateway, type RunningGateway } from "../server.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { ensureDevContext } from "./ensure-dev-context.ts";
import { ensureDevNamespace } from "./ensure-dev-namespace.ts";
import { masterKeyFile } from "./master-key-file.ts";
import { welcome } from "./welcome.ts";

export const defaultDataDir = ".nexus-mesh";

/** One gateway with a Postgres of its own, ready to be tried; says what it made and where. */
export async function startDev(flags: ServeFlags): Promise<{ stop(): Promise<void> }> {
  const listening = listenOptions(flags);
  if (!isLoopback(listening.host))
    throw new ConfigurationError("--dev listens on loopback only: leave out --host");
  // Before Postgres starts, which takes seconds.
  await assertFree(listening.host, listening.port);
  await assertFree(listening.opsHost, listening.opsPort);

  const dataDir = resolve(flags.dataDir ?? defaultDataDir);
  const masterKey = await masterKeyFile(dataDir);
  const postgres = await startEmbeddedPostgres({ dataDir });
  let gateway: RunningGateway | undefined;
  try {
    await migrate(postgres.url);
    const options: GatewayOptions = {
      ...listening,
      databaseUrl: postgres.url,
      masterKeys: [masterKey.key],
      publicUrl: flags.publicUrl ?? `http://${listening.host}:${listening.port}`,
    };
    gateway = await createGateway(options, { log: createLog(flags.logLevel ?? "warn") });
    await ensureDevNamespace(gateway.context.registry);
    const context = await ensureDevContext(gateway.context);
    process.stdout.write(
      welcome({
        url: options.publicUrl,
        dataDir: postgres.dataDir,
        masterKeyPath: masterKey.path,
        contextsPath: context.path,
        tokenIssued: context.issued,
      }),
    );
  } catch (error) {
    await gateway?.close();
    await postgres.stop();
    throw error;
  }
  const running = gateway;
  return {
    async stop() {
      process.stdout.write("Stopping: letting what is in flight end, then Postgres.\n");
      await running.drain();
      await running.close();
      await postgres.stop();
      process.stdout.write("Stopped. The data stay where they are.\n");
    },
  };
}

function assertFree(host: string, port: number): Promise<void> {
  return new Promise((done, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => {
        done();
      });
    });
  });
}
