import type { FastifyInstance } from "fastify";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route } from "../route.ts";
import { callerOf } from "./caller.ts";
import { apiVersion } from "./open-api.ts";
import * as schemas from "./schemas/server.ts";

export function registerServer(app: FastifyInstance, context: GatewayContext): void {
  app.route<Route<"getVersion">>({
    ...schemas.getVersion,
    handler: () => ({
      name: "nexus-mesh",
      version: apiVersion,
      publicUrl: context.options.publicUrl,
    }),
  });

  app.route<Route<"whoami">>({
    ...schemas.whoami,
    handler: (request) => {
      const { principal, namespace } = callerOf(request);
      return {
        subject: principal.subject,
        tokenId: principal.tokenId,
        role: principal.role,
        namespace: namespace?.name ?? null,
        meshWide: principal.tokenNamespaceId === null,
      };
    },
  });
}
