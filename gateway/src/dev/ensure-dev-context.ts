import { contextsPath, readContext, saveContext, useContext } from "@nexus-mesh/cli/contexts";
import type { GatewayContext } from "../gateway-context.ts";
import { createTokenVerifier, issueToken } from "../identity/mesh-token.ts";
import { devNamespace } from "./ensure-dev-namespace.ts";

export const devContext = "dev";

/** The CLI's context `dev` holds an admin token of this very mesh: another folder's mesh may have written it last. */
export async function ensureDevContext(
  context: GatewayContext,
): Promise<{ path: string; issued: boolean }> {
  const { registry, options } = context;
  const path = contextsPath();
  const saved = await readContext(devContext);
  if (saved?.url === options.publicUrl && (await works(context, saved.token))) {
    // The commands printed next must not go to whatever mesh was used last.
    await useContext(devContext);
    return { path, issued: false };
  }
  const actor = { subject: "dev", namespace: null };
  await registry.claimBootstrap(false, actor);
  const { token } = await issueToken(context, {
    namespace: null,
    role: "admin",
    subject: "dev",
    actor,
  });
  await saveContext(devContext, { url: options.publicUrl, token, namespace: devNamespace });
  return { path, issued: true };
}

async function works(context: GatewayContext, token: string): Promise<boolean> {
  try {
    await createTokenVerifier(context)(token);
    return true;
  } catch {
    return false;
  }
}
