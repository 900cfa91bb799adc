/** What the admin of the mesh does once per team, over the documented HTTP API. */
export interface MeshAdmin {
  /** A namespace whose requests may go to this machine, where the whole demo runs. */
  addTeam(namespace: string): Promise<void>;
  issueToken(namespace: string): Promise<string>;
  callbackSecret(namespace: string): Promise<string>;
  expose(endpoint: string, owner: string, targetUrl: string): Promise<void>;
  grant(endpoint: string, caller: string): Promise<void>;
  /** What the namespace started, oldest first. */
  operations(caller: string): Promise<RecordedOperation[]>;
}

export interface RecordedOperation {
  readonly id: string;
  readonly requestId: string | null;
  readonly state: string;
  readonly attempts: number | null;
  readonly createdAt: string;
  readonly closedAt: string | null;
}

export function meshAdmin(url: string, token: string): MeshAdmin {
  const call = async (
    method: string,
    path: string,
    body?: object,
    namespace?: string,
  ): Promise<unknown> => {
    const send = (): Promise<Response> =>
      fetch(`${url}/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(namespace === undefined ? {} : { "nexus-mesh-namespace": namespace }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    let response = await send();
    // The gateway before took the last change; every other one shows it within a second.
    for (const end = Date.now() + 2_000; response.status === 404 && Date.now() < end;) {
      await response.arrayBuffer();
      response = await send();
    }
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };

  return {
    addTeam: async (namespace) => {
      await call("PUT", `/namespaces/${namespace}`, { description: "" });
      const loopback = { host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true };
      await call("PUT", `/namespaces/${namespace}/egress`, { rules: [loopback] });
    },
    issueToken: async (namespace) => {
      const issued = await call("POST", `/namespaces/${namespace}/tokens`, {
        role: "caller",
        subject: `${namespace}-app`,
      });
      return (issued as { token: string }).token;
    },
    callbackSecret: async (namespace) => {
      const path = `/namespaces/${namespace}/callback-secret`;
      const { secrets } = (await call("GET", path)) as { secrets: readonly string[] };
      return secrets[0] ?? "";
    },
    expose: async (endpoint, owner, targetUrl) => {
      await call("PUT", `/endpoints/${endpoint}`, {
        owner,
        target: { kind: "http", url: targetUrl },
      });
    },
    grant: async (endpoint, caller) => {
      await call("PUT", `/endpoints/${endpoint}/grants/${caller}`, { caller });
    },
    operations: async (caller) => {
      const page = await call("GET", `/operations?limit=100`, undefined, caller);
      return (page as { items: RecordedOperation[] }).items.toReversed();
    },
  };
}
