import type { Namespace } from "@nexus-mesh/registry/registry";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, callerOf } from "./caller.ts";
import { readCondition } from "./condition.ts";
import { findNamespace } from "./lookup.ts";
import { pageOfAll, pages, timeOrder } from "./page.ts";
import * as schemas from "./schemas/namespaces.ts";

export function registerNamespaces(app: FastifyInstance, context: GatewayContext): void {
  const { keys, registry } = context;

  app.route<Route<"listNamespaces">>({
    ...schemas.listNamespaces,
    handler: async (request) => {
      const paging = pages(keys, callerOf(request), "namespaces", null);
      const all = registry.snapshot().namespaces.values();
      const page = await pageOfAll(all, order, request.query, paging);
      return { ...page, items: page.items.map(namespaceJson) };
    },
  });

  app.route<Route<"getNamespace">>({
    ...schemas.getNamespace,
    handler: (request) => namespaceJson(findNamespace(context, request.params.namespace)),
  });

  app.route<Route<"putNamespace">>({
    ...schemas.putNamespace,
    handler: async (request, reply) => {
      const { namespace, created } = await registry.putNamespace(
        request.params.namespace,
        request.body.description ?? "",
        readCondition(request.headers, false),
        actorOf(callerOf(request)),
      );
      return reply.code(created ? 201 : 200).send(namespaceJson(namespace));
    },
  });

  app.route<Route<"deleteNamespace">>({
    ...schemas.deleteNamespace,
    handler: async (request, reply) => {
      const { namespace: name } = request.params;
      if (!(await registry.deleteNamespace(name, actorOf(callerOf(request))))) {
        throw new ApiError("NAMESPACE_NOT_FOUND", `namespace ${JSON.stringify(name)} is not known`);
      }
      return reply.code(204).send();
    },
  });
}

function order(namespace: Namespace): string {
  return timeOrder(namespace.createdAt, namespace.id);
}

function namespaceJson({ name, description, createdAt }: Namespace): Schema<"Namespace"> {
  return { name, description, createdAt: createdAt.toISOString() };
}
