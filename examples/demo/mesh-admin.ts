import { AdminError, createAdminClient, type AdminReply } from "@nexus-mesh/sdk/admin";

/** What the admin of the mesh does once per team. */
export interface MeshAdmin {
  addTeam(namespace: string): Promise<void>;
  /** The mesh may send the team's requests to this machine, where the whole demo runs. */
  allowRequestsTo(namespace: string): Promise<void>;
  issueToken(namespace: string, role: "caller" | "handler"): Promise<string>;
  callbackSecret(namespace: string): Promise<string>;
  expose(
    endpoint: string,
    owner: string,
    target: { kind: "http"; url: string } | { kind: "queue"; queue: string },
  ): Promise<void>;
  grant(endpoint: string, caller: string): Promise<void>;
  /** What the namespace started, oldest first. */
  operations(caller: string): Promise<AdminReply<"listOperations">["items"]>;
  operation(caller: string, operationId: string): Promise<AdminReply<"getOperation">>;
  queue(namespace: string, queue: string): Promise<AdminReply<"getQueue">>;
}

export function meshAdmin(url: string, token: string): MeshAdmin {
  const admin = createAdminClient({ url, token });
  return {
    addTeam: async (namespace) => {
      const path = { namespace };
      await onceKnown(() => admin.call("putNamespace", { path, body: {}, headers: {} }));
    },
    allowRequestsTo: async (namespace) => {
      const path = { namespace };
      const rule = { host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true };
      await onceKnown(() =>
        admin.call("putEgressPolicy", { path, body: { rules: [rule] }, headers: {} }),
      );
    },
    issueToken: async (namespace, role) => {
      const body = { role, subject: `${namespace}-app` } as const;
      const issued = await onceKnown(() => admin.call("issueToken", { path: { namespace }, body }));
      return issued.token;
    },
    callbackSecret: async (namespace) => {
      const { secrets } = await onceKnown(() =>
        admin.call("getCallbackSecret", { path: { namespace } }),
      );
      return secrets[0] ?? "";
    },
    expose: async (endpoint, owner, target) => {
      const body = { owner, target };
      await onceKnown(() => admin.call("putEndpoint", { path: { endpoint }, body, headers: {} }));
    },
    grant: async (endpoint, caller) => {
      const path = { endpoint, grant: caller };
      await onceKnown(() => admin.call("putGrant", { path, body: { caller } }));
    },
    operations: async (caller) => {
      const { items } = await createAdminClient({ url, token, namespace: caller }).call(
        "listOperations",
        { query: { limit: 100 } },
      );
      return items.toReversed();
    },
    operation: (caller, operationId) =>
      createAdminClient({ url, token, namespace: caller }).call("getOperation", {
        path: { operationId },
      }),
    queue: (namespace, queue) =>
      onceKnown(() => admin.call("getQueue", { path: { namespace, queue } })),
  };
}

/** The balancer may hand the next call to another gateway, which shows a change within a second. */
async function onceKnown<T>(call: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 2_000; ;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AdminError && error.status === 404) || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
