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
  target: string | { readonly queue: string },
): Promise<{ token: string; workerToken: string; ownerToken: string }> {
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
        target:
          typeof target === "string"
            ? { kind: "http", url: target }
            : { kind: "queue", queue: target.queue },
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
    const issue = async (role: "caller" | "handler" | "owner"): Promise<string> => {
      const { token } = await issueToken(context, { namespace, role, subject: "load", actor });
      return token;
    };
    return {
      token: await issue("caller"),
      workerToken: await issue("handler"),
      ownerToken: await issue("owner"),
    };
  } finally {
    await gateway.close();
  }
}
