import type { Endpoint, Namespace } from "@nexus-mesh/registry/registry";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";

type Reading = Pick<GatewayContext, "registry">;

export function findNamespace({ registry }: Reading, name: string): Namespace {
  const namespace = registry.snapshot().namespaces.get(name);
  if (namespace !== undefined) return namespace;
  throw new ApiError("NAMESPACE_NOT_FOUND", `namespace ${JSON.stringify(name)} is not known`);
}

export function findEndpoint({ registry }: Reading, name: string): Endpoint {
  const endpoint = registry.snapshot().endpoints.get(name);
  if (endpoint !== undefined) return endpoint;
  throw new ApiError("ENDPOINT_NOT_FOUND", `endpoint ${JSON.stringify(name)} is not known`);
}
