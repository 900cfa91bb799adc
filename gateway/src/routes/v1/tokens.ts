import type { TokenRecord } from "@nexus-mesh/registry/registry";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { defaultTokenLifetimeMs, issueToken } from "../../identity/mesh-token.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, assertActsFor, callerOf } from "./caller.ts";
import { readDuration } from "./duration-field.ts";
import { findNamespace } from "./lookup.ts";
import { pageOfAll, pages, timeOrder } from "./page.ts";
import * as schemas from "./schemas/tokens.ts";

const lifetime = { minMs: 1_000, maxMs: 366 * 86_400_000 };

export function registerTokens(app: FastifyInstance, context: GatewayContext): void {
  const { keys, registry } = context;

  app.route<Route<"listTokens">>({
    ...schemas.listTokens,
    handler: async (request) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      const paging = pages(keys, caller, "tokens", namespace.id);
      const all = await registry.listTokens(namespace.id);
      const page = await pageOfAll(all, order, request.query, paging);
      return { ...page, items: page.items.map((token) => tokenJson(token, namespace.name)) };
    },
  });

  app.route<Route<"issueToken">>({
    ...schemas.issueToken,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      const { role, subject, expiresIn } = request.body;
      // Up to the issuer's own role: only owners and admins get here, and `admin` is no role of a namespace.
      const { token, record } = await issueToken(context, {
        namespace,
        role,
        subject: subject ?? namespace.name,
        lifetimeMs:
          expiresIn === undefined
            ? defaultTokenLifetimeMs
            : readDuration("/expiresIn", expiresIn, lifetime),
        actor: actorOf(caller),
      });
      reply.header("cache-control", "no-store");
      return reply.code(201).send({ ...tokenJson(record, namespace.name), token });
    },
  });

  app.route<Route<"revokeToken">>({
    ...schemas.revokeToken,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      const { tokenId } = request.params;
      const actor = actorOf(caller);
      const revoked =
        (await registry.revokeToken(namespace.id, tokenId, actor)) ||
        // Mesh-wide tokens belong to no namespace; an admin revokes them under any.
        (caller.principal.role === "admin" && (await registry.revokeToken(null, tokenId, actor)));
      if (!revoked) {
        throw new ApiError(
          "TOKEN_NOT_FOUND",
          `namespace "${namespace.name}" has no token ${JSON.stringify(tokenId)}`,
        );
      }
      return reply.code(204).send();
    },
  });
}

function order(token: TokenRecord): string {
  return timeOrder(token.createdAt, token.id);
}

function tokenJson(token: TokenRecord, namespace: string): Schema<"Token"> {
  return {
    id: token.id,
    namespace,
    role: token.role,
    subject: token.subject,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString() ?? null,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  };
}
