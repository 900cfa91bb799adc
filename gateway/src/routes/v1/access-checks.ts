import type { FastifyInstance } from "fastify";
import type { GatewayContext } from "../../gateway-context.ts";
import { grantCommand, grantFor } from "../../identity/grants.ts";
import type { Route } from "../route.ts";
import { findEndpoint, findNamespace } from "./lookup.ts";
import * as schemas from "./schemas/access-checks.ts";

export function registerAccessChecks(app: FastifyInstance, context: GatewayContext): void {
  app.route<Route<"checkAccess">>({
    ...schemas.checkAccess,
    handler: (request) => {
      const { caller, endpoint: name, service, operation } = request.body;
      const endpoint = findEndpoint(context, name);
      const namespace = findNamespace(context, caller);
      const grant = grantFor(
        context.registry.snapshot(),
        endpoint,
        namespace.name,
        service,
        operation,
      );
      if (grant !== undefined) return { allowed: true, rule: grant.id, hint: null };
      const command = grantCommand(endpoint.name, namespace.name, service, operation);
      return { allowed: false, rule: null, hint: `Ask ${endpoint.owner} to run: ${command}` };
    },
  });
}
