import { AdminError, type AdminClient, type AdminReply } from "@nexus-mesh/sdk/admin";
import type { Mesh, MeshEndpoint, MeshNamespace } from "./mesh-file.ts";
import { everyPage } from "./session.ts";

/** A mesh as it is, with what a change must name so that it overwrites nobody else's. */
export interface MeshState extends Mesh {
  readonly namespaces: Readonly<Record<string, StateNamespace>>;
  readonly endpoints: Readonly<Record<string, StateEndpoint>>;
}

interface StateNamespace extends MeshNamespace {
  /** Undefined where it was not read. */
  readonly egressVersion: number | undefined;
}

interface StateEndpoint extends MeshEndpoint {
  readonly version: number;
}

/** What to read besides the names of all namespaces and endpoints. */
export interface Wanted {
  egress(namespace: string): boolean;
  grants(endpoint: string, owner: string): boolean;
}

export async function readMeshState(admin: AdminClient, wanted: Wanted): Promise<MeshState> {
  const namespaces: Record<string, StateNamespace> = {};
  for (const { name, description } of await namespacesOf(admin)) {
    const policy = wanted.egress(name) ? await egressOf(admin, name) : undefined;
    namespaces[name] = { description, egress: policy?.rules ?? [], egressVersion: policy?.version };
  }
  const endpoints: Record<string, StateEndpoint> = {};
  for (const { name, owner, description, target, policy, version } of await endpointsOf(admin)) {
    const grants: Record<string, MeshEndpoint["grants"][string]> = {};
    if (wanted.grants(name, owner)) {
      for (const { id, caller, service, operation } of await grantsOf(admin, name))
        grants[id] = { caller, service, operation };
    }
    endpoints[name] = { owner, description, target, policy, version, grants };
  }
  return { namespaces, endpoints };
}

function namespacesOf(admin: AdminClient) {
  return everyPage(
    (cursor) => admin.call("listNamespaces", { query: page(cursor) }),
    Number.POSITIVE_INFINITY,
  );
}

function endpointsOf(admin: AdminClient) {
  return everyPage(
    (cursor) => admin.call("listEndpoints", { query: page(cursor) }),
    Number.POSITIVE_INFINITY,
  );
}

function grantsOf(admin: AdminClient, endpoint: string) {
  return everyPage(
    (cursor) => admin.call("listGrants", { path: { endpoint }, query: page(cursor) }),
    Number.POSITIVE_INFINITY,
  );
}

/** Undefined: not for this token's eyes. */
async function egressOf(
  admin: AdminClient,
  namespace: string,
): Promise<AdminReply<"getEgressPolicy"> | undefined> {
  try {
    return await admin.call("getEgressPolicy", { path: { namespace } });
  } catch (error) {
    if (error instanceof AdminError && error.status === 403) return undefined;
    throw error;
  }
}

function page(cursor: string | undefined): { limit: number; cursor?: string } {
  return { limit: 200, ...(cursor === undefined ? {} : { cursor }) };
}
