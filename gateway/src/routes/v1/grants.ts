import type { Endpoint, Grant } from "@nexus-mesh/registry/registry";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, assertActsFor, callerOf } from "./caller.ts";
import { findEndpoint } from "./lookup.ts";
import { pageOfAll, pages, timeOrder } from "./page.ts";
import * as schemas from "./schemas/grants.ts";

export function registerGrants(app: FastifyInstance, context: GatewayContext): void {
  const { keys, registry } = context;

  app.route<Route<"listGrants">>({
    ...schemas.listGrants,
    handler: async (request) => {
      const endpoint = findEndpoint(context, request.params.endpoint);
      const paging = pages(keys, callerOf(request), "grants", endpoint.id);
      const all = registry.snapshot().grants.get(endpoint.id) ?? [];
      const page = await pageOfAll(all, order, request.query, paging);
      return { ...page, items: page.items.map((grant) => grantJson(grant, endpoint)) };
    },
  });

  app.route<Route<"putGrant">>({
    ...schemas.putGrant,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const endpoint = ownEndpoint(request.params.endpoint, caller);
      const { caller: pattern, service = "*", operation = "*" } = request.body;
      const { grant, created } = await registry.putGrant(
        {
          id: request.params.grant,
          endpointId: endpoint.id,
          caller: pattern,
          service,
          operation,
        },
        actorOf(caller),
      );
      return reply.code(created ? 201 : 200).send(grantJson(grant, endpoint));
    },
  });

  app.route<Route<"deleteGrant">>({
    ...schemas.deleteGrant,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const endpoint = ownEndpoint(request.params.endpoint, caller);
      const { grant } = request.params;
      if (!(await registry.deleteGrant(endpoint.id, grant, actorOf(caller)))) {
        throw new ApiError(
          "GRANT_NOT_FOUND",
          `endpoint "${endpoint.name}" has no grant ${JSON.stringify(grant)}`,
        );
      }
      return reply.code(204).send();
    },
  });

  function ownEndpoint(name: string, caller: ReturnType<typeof callerOf>): Endpoint {
    const endpoint = findEndpoint(context, name);
    assertActsFor(caller, { id: endpoint.ownerId, name: endpoint.owner });
    return endpoint;
  }
}

function order(grant: Grant): string {
  return timeOrder(grant.createdAt, grant.id);
}

function grantJson(grant: Grant, endpoint: Pick<Endpoint, "name">): Schema<"Grant"> {
  return {
    id: grant.id,
    endpoint: endpoint.name,
    caller: grant.caller,
    service: grant.service,
    operation: grant.operation,
    createdAt: grant.createdAt.toISOString(),
  };
}
