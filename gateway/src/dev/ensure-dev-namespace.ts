import type { Actor, EgressRule, Namespace, Registry } from "@nexus-mesh/registry/registry";
import { anyPort } from "../identity/egress-rules.ts";

export const devNamespace = "dev";

const actor: Actor = { subject: "dev", namespace: null };

/** Handlers and receivers under development listen on this machine, in plain http, on any port. */
const loopback: EgressRule = {
  host: "*",
  ports: [anyPort],
  cidrs: ["127.0.0.0/8", "::1/128"],
  plainHttp: true,
};

/** Made once: what the developer changes afterwards stays. */
export async function ensureDevNamespace(registry: Registry): Promise<Namespace> {
  const known = registry.snapshot().namespaces.get(devNamespace);
  if (known !== undefined) return known;
  const { namespace } = await registry.putNamespace(
    devNamespace,
    "Made by --dev: its requests may go to this machine",
    "any",
    actor,
  );
  await registry.putEgress(namespace.id, [loopback], "any", actor);
  return namespace;
}
