import type { EgressPolicy, EgressRule } from "@nexus-mesh/registry/registry";
import ipaddr from "ipaddr.js";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, assertActsFor, callerOf } from "./caller.ts";
import { etagOf, readCondition } from "./condition.ts";
import { findNamespace } from "./lookup.ts";
import * as schemas from "./schemas/egress.ts";

export function registerEgress(app: FastifyInstance, context: GatewayContext): void {
  app.route<Route<"getEgressPolicy">>({
    ...schemas.getEgressPolicy,
    handler: (request, reply) => {
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(callerOf(request), namespace);
      reply.header("etag", etagOf(namespace.egress.version));
      return policyJson(namespace.egress);
    },
  });

  app.route<Route<"putEgressPolicy">>({
    ...schemas.putEgressPolicy,
    handler: async (request, reply) => {
      const namespace = findNamespace(context, request.params.namespace);
      const policy = await context.registry.putEgress(
        namespace.id,
        request.body.rules.map(readRule),
        readCondition(request.headers, true),
        actorOf(callerOf(request)),
      );
      reply.header("etag", etagOf(policy.version));
      return policyJson(policy);
    },
  });
}

function readRule(rule: Schema<"EgressRule">, index: number): EgressRule {
  const { host, ports = [], cidrs = [], plainHttp = false } = rule;
  if (!isHost(host)) {
    throw malformed(`/rules/${index}/host`, "host", "must be a host, an address or *.example.com");
  }
  for (const [n, cidr] of cidrs.entries()) {
    if (!ipaddr.isValidCIDR(cidr)) {
      throw malformed(`/rules/${index}/cidrs/${n}`, "cidr", "must be a range such as 10.0.0.0/8");
    }
  }
  return { host: withoutBrackets(host).toLowerCase(), ports, cidrs, plainHttp };
}

function isHost(host: string): boolean {
  if (host === "*" || ipaddr.isValid(withoutBrackets(host))) return true;
  return /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host);
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function malformed(pointer: string, rule: string, detail: string): ApiError {
  return new ApiError("INVALID_REQUEST", `${pointer} ${detail}`, {
    violations: [{ pointer, rule, detail }],
  });
}

function policyJson({ version, rules }: EgressPolicy): Schema<"EgressPolicy"> {
  return {
    version,
    rules: rules.map(({ host, ports, cidrs, plainHttp }) => ({
      host,
      ports: [...ports],
      cidrs: [...cidrs],
      plainHttp,
    })),
  };
}
