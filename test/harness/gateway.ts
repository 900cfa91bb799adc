import { randomBytes } from "node:crypto";
import type { ReachCrashPoint } from "../../gateway/src/crash-points.ts";
import type { Engine } from "../../gateway/src/engine.ts";
import type { GatewayContext } from "../../gateway/src/gateway-context.ts";
import { defaultGatewayOptions, type GatewayOptions } from "../../gateway/src/options.ts";
import { createGateway } from "../../gateway/src/server.ts";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { createDatabase } from "./postgres.ts";

export interface TestGateway {
  /** Its own address; the public URL too, unless the test set another for several gateways. */
  readonly url: string;
  readonly opsUrl: string;
  readonly context: GatewayContext;
  readonly engine: Engine;
  readonly options: GatewayOptions;
  readonly databaseUrl: string;
  /** Closes the gateway, and drops the database if it was made for this gateway. */
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** Another gateway's, to run several on one Postgres; a fresh clone unless given. */
  readonly databaseUrl?: string;
  readonly options?: Partial<GatewayOptions>;
  readonly crash?: ReachCrashPoint;
}

/** Shared by all gateways of one test file, so that several on one Postgres open each other's sealed rows. */
export const testMasterKey = randomBytes(32).toString("base64url");

/** A gateway in this process, on free loopback ports, over a database of its own. */
export async function startGateway(given: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = given.databaseUrl === undefined ? await createDatabase() : undefined;
  const port = await freePort();
  const options: GatewayOptions = {
    ...defaultGatewayOptions,
    databaseUrl: given.databaseUrl ?? database?.url ?? "",
    publicUrl: `http://127.0.0.1:${port}`,
    port,
    opsPort: 0,
    masterKeys: [testMasterKey],
    poolSize: 4,
    backoff: { firstMs: 50, maxMs: 1_000 },
    // The test server runs without fsync.
    allowUnsafeDatabase: true,
    ...given.options,
  };
  const gateway = await createGateway(
    options,
    given.crash === undefined ? {} : { crash: given.crash },
  );
  return {
    url: `http://127.0.0.1:${options.port}`,
    opsUrl: gateway.opsAddress,
    context: gateway.context,
    engine: gateway.engine,
    options,
    databaseUrl: options.databaseUrl,
    close: async () => {
      await gateway.close();
      await database?.drop();
    },
  };
}
