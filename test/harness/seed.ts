import { issueToken } from "../../gateway/src/identity/mesh-token.ts";
import {
  defaultEndpointPolicy,
  type Endpoint,
  type EndpointPolicy,
  type Grant,
  type Namespace,
  type Role,
} from "@nexus-mesh/registry/registry";
import type { TestGateway } from "./gateway.ts";

const actor = { subject: "test", namespace: null };

type Seeded = Pick<TestGateway, "context">;

/** A mesh-wide admin token. */
export async function seedAdminToken({ context }: Seeded): Promise<string> {
  const { token } = await issueToken(context, {
    namespace: null,
    role: "admin",
    subject: "test-admin",
    actor,
  });
  return token;
}

/** A namespace that may reach loopback, where all of a test's servers are. */
export async function seedNamespace({ context }: Seeded, name: string): Promise<Namespace> {
  const { namespace } = await context.registry.putNamespace(name, "", "any", actor);
  await context.registry.putEgress(
    namespace.id,
    [{ host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true }],
    "any",
    actor,
  );
  return namespace;
}

export async function seedToken(
  { context }: Seeded,
  namespace: string,
  role: Exclude<Role, "admin"> = "caller",
  lifetimeMs?: number,
): Promise<string> {
  const { token } = await issueToken(context, {
    namespace: namespaceOf(context.registry.snapshot().namespaces.get(namespace), namespace),
    role,
    subject: `${namespace}-${role}`,
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    actor,
  });
  return token;
}

export async function seedEndpoint(
  { context }: Seeded,
  given: { name: string; owner: string; policy?: Partial<EndpointPolicy> } & (
    { targetUrl: string } | { queue: string }
  ),
): Promise<Endpoint> {
  const owner = namespaceOf(context.registry.snapshot().namespaces.get(given.owner), given.owner);
  const { endpoint } = await context.registry.putEndpoint(
    {
      name: given.name,
      ownerId: owner.id,
      description: "",
      target:
        "queue" in given
          ? { kind: "queue", queue: given.queue }
          : { kind: "http", url: given.targetUrl },
      policy: { ...defaultEndpointPolicy, ...given.policy },
    },
    "any",
    actor,
  );
  return endpoint;
}

export async function seedGrant(
  { context }: Seeded,
  endpoint: Endpoint,
  caller: string,
  { service = "*", operation = "*", id = `${caller.replaceAll("*", "all")}-may` } = {},
): Promise<Grant> {
  const { grant } = await context.registry.putGrant(
    { id, endpointId: endpoint.id, caller, service, operation },
    actor,
  );
  return grant;
}

/** The usual scene: insights owns `analytics` at the given target, storefront may call all of it. */
export async function seedTwoTeams(
  gateway: Seeded,
  targetUrl: string,
  policy: Partial<EndpointPolicy> = {},
): Promise<{ endpoint: Endpoint; ownerToken: string; callerToken: string; adminToken: string }> {
  await seedNamespace(gateway, "insights");
  await seedNamespace(gateway, "storefront");
  const endpoint = await seedEndpoint(gateway, {
    name: "analytics",
    owner: "insights",
    targetUrl,
    policy,
  });
  await seedGrant(gateway, endpoint, "storefront");
  return {
    endpoint,
    ownerToken: await seedToken(gateway, "insights", "owner"),
    callerToken: await seedToken(gateway, "storefront"),
    adminToken: await seedAdminToken(gateway),
  };
}

function namespaceOf(namespace: Namespace | undefined, name: string): Namespace {
  if (namespace === undefined) throw new Error(`seed namespace "${name}" first`);
  return namespace;
}
