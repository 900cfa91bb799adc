import { AdminError, createAdminClient, type AdminReply } from "@nexus-mesh/sdk/admin";

/** What the admin of the mesh does once per team. */
export interface MeshAdmin {
  /** A namespace whose requests may go to this machine, where the whole demo runs. */
  addTeam(namespace: string): Promise<void>;
  issueToken(namespace: string): Promise<string>;
  callbackSecret(namespace: string): Promise<string>;
  expose(endpoint: string, owner: string, targetUrl: string): Promise<void>;
  grant(endpoint: string, caller: string): Promise<void>;
  /** What the namespace started, oldest first. */
  operations(caller: string): Promise<AdminReply<"listOperations">["items"]>;
}

export function meshAdmin(url: string, token: string): MeshAdmin {
  const admin = createAdminClient({ url, token });
  return {
    addTeam: async (namespace) => {
      const path = { namespace };
      await onceKnown(() => admin.call("putNamespace", { path, body: {}, headers: {} }));
      const rule = { host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true };
      await onceKnown(() =>
        admin.call("putEgressPolicy", { path, body: { rules: [rule] }, headers: {} }),
      );
    },
    issueToken: async (namespace) => {
      const body = { role: "caller", subject: `${namespace}-app` } as const;
      const issued = await onceKnown(() => admin.call("issueToken", { path: { namespace }, body }));
      return issued.token;
    },
    callbackSecret: async (namespace) => {
      const { secrets } = await onceKnown(() =>
        admin.call("getCallbackSecret", { path: { namespace } }),
      );
      return secrets[0] ?? "";
    },
    expose: async (endpoint, owner, targetUrl) => {
      const body = { owner, target: { kind: "http", url: targetUrl } } as const;
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
