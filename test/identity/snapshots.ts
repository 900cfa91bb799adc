import {
  defaultEndpointPolicy,
  type EgressRule,
  type Endpoint,
  type Namespace,
  type Snapshot,
} from "@nexus-mesh/registry/registry";

export const emptySnapshot: Snapshot = {
  version: 1,
  namespaces: new Map(),
  namespacesById: new Map(),
  endpoints: new Map(),
  endpointsById: new Map(),
  targetsById: new Map(),
  queuesById: new Map(),
  grants: new Map(),
  revokedTokens: new Set(),
  signingKeys: [],
};

export function endpointNamed(name: string, owner: string): Endpoint {
  const at = new Date(0);
  return {
    id: 7,
    name,
    ownerId: 1,
    owner,
    description: "",
    policy: defaultEndpointPolicy,
    target: { id: 1, endpointId: 7, kind: "http", url: "https://example.com", removedAt: null },
    version: 1,
    createdAt: at,
    updatedAt: at,
    closing: false,
  };
}

/** A snapshot of one namespace, id 1, whose policy has these rules. */
export function withEgress(rules: readonly EgressRule[], version = 1): Snapshot {
  const namespace: Namespace = {
    id: 1,
    name: "team",
    description: "",
    createdAt: new Date(0),
    egress: { version, rules },
    callbackSecrets: [],
  };
  return {
    ...emptySnapshot,
    namespaces: new Map([[namespace.name, namespace]]),
    namespacesById: new Map([[namespace.id, namespace]]),
  };
}
