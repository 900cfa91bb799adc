import type { FastifyInstance } from "fastify";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, assertActsFor, callerOf } from "./caller.ts";
import { findNamespace } from "./lookup.ts";
import * as schemas from "./schemas/callback-secret.ts";

export function registerCallbackSecret(app: FastifyInstance, context: GatewayContext): void {
  const { keys } = context;

  app.route<Route<"getCallbackSecret">>({
    ...schemas.getCallbackSecret,
    handler: async (request, reply) => {
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(callerOf(request), namespace);
      reply.header("cache-control", "no-store");
      return secretsJson(await keys.callbackSecrets(namespace.id));
    },
  });

  app.route<Route<"rotateCallbackSecret">>({
    ...schemas.rotateCallbackSecret,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      await keys.rotateCallbackSecret(namespace.id, actorOf(caller));
      reply.header("cache-control", "no-store");
      return secretsJson(await keys.callbackSecrets(namespace.id));
    },
  });
}

/** Standard Webhooks' own form, so that any of its libraries takes it. */
function secretsJson(secrets: readonly Buffer[]): Schema<"CallbackSecret"> {
  return { secrets: secrets.map((secret) => `whsec_${secret.toString("base64")}`) };
}
