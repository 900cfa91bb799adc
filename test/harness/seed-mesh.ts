import { createGateway } from "@nexus-mesh/gateway/server";
import { issueToken } from "@nexus-mesh/gateway/identity/mesh-token";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import { migrate } from "@nexus-mesh/registry/migrate";
import { defaultEndpointPolicy } from "@nexus-mesh/registry/registry";

const actor = { subject: "setup", namespace: null };

/** A migrated database with one namespace that calls its own endpoint; the gateway that wrote it is closed again. */
export async function seedMesh(
  options: GatewayOptions,
  endpoint: string,
  targetUrl: string,
): Promise<{ token: string; ownerToken: string }> {
  await migrate(options.databaseUrl);
  const gateway = await createGateway({ ...options, port: 0, opsPort: 0 });
  try {
    const { context } = gateway;
    const { registry } = context;
    const { namespace } = await registry.putNamespace("team", "", "any", actor);
    await registry.putEgress(
      namespace.id,
      [{ host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true }],
      "any",
      actor,
    );
    const put = await registry.putEndpoint(
      {
        name: endpoint,
        ownerId: namespace.id,
        description: "",
        target: { kind: "http", url: targetUrl },
        policy: defaultEndpointPolicy,
      },
      "any",
      actor,
    );
    await registry.putGrant(
      {
        id: `${endpoint}-team`,
        endpointId: put.endpoint.id,
        caller: "team",
        service: "*",
        operation: "*",
      },
      actor,
    );
    const issue = (role: "caller" | "owner") =>
      issueToken(context, { namespace, role, subject: "load", actor });
    const [{ token }, { token: ownerToken }] = [await issue("caller"), await issue("owner")];
    return { token, ownerToken };
  } finally {
    await gateway.close();
  }
}
