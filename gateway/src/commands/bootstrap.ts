import type { Actor } from "@nexus-mesh/registry/registry";
import { systemClock } from "../clock.ts";
import { issueToken } from "../identity/mesh-token.ts";
import { openKeyring } from "../identity/open-keyring.ts";
import type { GatewayOptions } from "../options.ts";
import { withRegistry } from "./with-registry.ts";

export interface BootstrapOptions extends Pick<
  GatewayOptions,
  "databaseUrl" | "publicUrl" | "masterKeys"
> {
  readonly force: boolean;
}

export class AlreadyBootstrapped extends Error {
  override readonly name = "AlreadyBootstrapped";
}

const actor: Actor = { subject: "bootstrap", namespace: null };

/** The first admin token of a mesh. Who can reach its database and knows the master key may have one. */
export async function bootstrap(options: BootstrapOptions): Promise<string> {
  const { databaseUrl, publicUrl, masterKeys, force } = options;
  return withRegistry(databaseUrl, async (registry) => {
    const clock = systemClock();
    const keys = await openKeyring({ registry, masterKeys, clock });
    try {
      if (!(await registry.claimBootstrap(force, actor))) {
        throw new AlreadyBootstrapped(
          "this mesh has its first admin token already; --force makes another one",
        );
      }
      const { token } = await issueToken(
        { registry, clock, keys, options: { publicUrl } },
        { namespace: null, role: "admin", subject: "admin", actor },
      );
      return token;
    } finally {
      keys.close();
    }
  });
}
