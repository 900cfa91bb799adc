import { defaultEndpointPolicy } from "@nexus-mesh/registry/registry";
import type { Endpoint, EndpointPolicy, TargetInput } from "@nexus-mesh/registry/registry";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route, Schema } from "../route.ts";
import { actingNamespace, actorOf, assertActsFor, callerOf } from "./caller.ts";
import { etagOf, readCondition } from "./condition.ts";
import { readDuration, writeDuration } from "./duration-field.ts";
import { findEndpoint, findNamespace } from "./lookup.ts";
import { pageOfAll, pages, timeOrder } from "./page.ts";
import * as schemas from "./schemas/endpoints.ts";

const maxDescriptionBytes = 20_000;
const yearMs = 366 * 86_400_000;

export function registerEndpoints(app: FastifyInstance, context: GatewayContext): void {
  const { egress, keys, registry } = context;

  app.route<Route<"listEndpoints">>({
    ...schemas.listEndpoints,
    handler: async (request) => {
      const { owner } = request.query;
      const paging = pages(keys, callerOf(request), "endpoints", owner ?? null);
      const all = [...registry.snapshot().endpoints.values()].filter(
        (endpoint) => owner === undefined || endpoint.owner === owner,
      );
      const page = await pageOfAll(all, order, request.query, paging);
      return { ...page, items: page.items.map(endpointJson) };
    },
  });

  app.route<Route<"getEndpoint">>({
    ...schemas.getEndpoint,
    handler: (request, reply) => {
      const endpoint = findEndpoint(context, request.params.endpoint);
      reply.header("etag", etagOf(endpoint.version));
      return endpointJson(endpoint);
    },
  });

  app.route<Route<"putEndpoint">>({
    ...schemas.putEndpoint,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const { endpoint: name } = request.params;
      const { owner: ownerName, description = "", target, policy = {} } = request.body;
      const present = registry.snapshot().endpoints.get(name);
      // Also the owner that it has: nobody may take another's endpoint by naming itself.
      if (present !== undefined)
        assertActsFor(caller, { id: present.ownerId, name: present.owner });
      const owner =
        ownerName === undefined && present === undefined
          ? actingNamespace(caller)
          : findNamespace(context, ownerName ?? present?.owner ?? "");
      assertActsFor(caller, owner);
      assertSize(description);
      const input = readTarget(target);
      if (input.kind === "http") egress.check(owner.id, new URL(input.url), "INVALID_TARGET_URL");
      const { endpoint, created } = await registry.putEndpoint(
        {
          name,
          ownerId: owner.id,
          description,
          target: input,
          policy: readPolicy(policy),
          seenOwnerId: present?.ownerId ?? null,
        },
        readCondition(request.headers, true),
        actorOf(caller),
      );
      reply.header("etag", etagOf(endpoint.version));
      return reply.code(created ? 201 : 200).send(endpointJson(endpoint));
    },
  });

  app.route<Route<"deleteEndpoint">>({
    ...schemas.deleteEndpoint,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const { name, ownerId, owner } = findEndpoint(context, request.params.endpoint);
      assertActsFor(caller, { id: ownerId, name: owner });
      const condition = readCondition(request.headers, true);
      if (!(await registry.deleteEndpoint(name, condition, actorOf(caller)))) {
        throw new ApiError("ENDPOINT_NOT_FOUND", `endpoint "${name}" is not known`);
      }
      return reply.code(204).send();
    },
  });
}

function order(endpoint: Endpoint): string {
  return timeOrder(endpoint.createdAt, endpoint.id);
}

function assertSize(description: string): void {
  const bytes = Buffer.byteLength(description);
  if (bytes <= maxDescriptionBytes) return;
  const detail = `has ${bytes} bytes; at most ${maxDescriptionBytes} are allowed`;
  throw new ApiError("INVALID_REQUEST", `/description ${detail}`, {
    violations: [{ pointer: "/description", rule: "max-bytes", detail }],
  });
}

function readTarget({ kind, url, queue }: Schema<"EndpointInput">["target"]): TargetInput {
  if (kind === "http" && url !== undefined && queue === undefined) {
    assertTargetUrl(url);
    return { kind, url };
  }
  if (kind === "queue" && queue !== undefined && url === undefined) return { kind, queue };
  const [own, other] = kind === "http" ? ["url", "queue"] : ["queue", "url"];
  const detail = `a target of kind ${kind} has a ${own} and no ${other}`;
  throw new ApiError("INVALID_REQUEST", `/target: ${detail}`, {
    violations: [{ pointer: `/target/${own}`, rule: "kind", detail }],
  });
}

function assertTargetUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "");
  if (plain) return;
  const detail = "must be an absolute http(s) URL without user name, password, query and fragment";
  throw new ApiError("INVALID_TARGET_URL", `/target/url ${detail}`, {
    hint: "Give the URL that the handler server printed at its start",
    violations: [{ pointer: "/target/url", rule: "url", detail }],
  });
}

function readPolicy(input: NonNullable<Schema<"EndpointInput">["policy"]>): EndpointPolicy {
  const { scheduleToClose, inlineWait, maxAttempts, dedupeWindow, durable } = input;
  const fallback = defaultEndpointPolicy;
  const duration = (field: string, text: string, minMs: number, maxMs: number): number =>
    readDuration(`/policy/${field}`, text, { minMs, maxMs });
  return {
    scheduleToCloseMs:
      scheduleToClose === undefined
        ? fallback.scheduleToCloseMs
        : scheduleToClose === "none"
          ? null
          : duration("scheduleToClose", scheduleToClose, 1, yearMs),
    inlineWaitMs:
      inlineWait === undefined
        ? fallback.inlineWaitMs
        : duration("inlineWait", inlineWait, 0, 60_000),
    maxAttempts: maxAttempts === undefined ? fallback.maxAttempts : maxAttempts,
    dedupeWindowMs:
      dedupeWindow === undefined
        ? fallback.dedupeWindowMs
        : duration("dedupeWindow", dedupeWindow, 3_600_000, yearMs),
    durable: durable ?? fallback.durable,
  };
}

function endpointJson(endpoint: Endpoint): Schema<"Endpoint"> {
  const { policy, target } = endpoint;
  return {
    name: endpoint.name,
    owner: endpoint.owner,
    description: endpoint.description,
    target:
      target.kind === "http"
        ? { kind: target.kind, url: target.url }
        : { kind: target.kind, queue: target.queue },
    policy: {
      scheduleToClose:
        policy.scheduleToCloseMs === null ? "none" : writeDuration(policy.scheduleToCloseMs),
      inlineWait: writeDuration(policy.inlineWaitMs),
      maxAttempts: policy.maxAttempts,
      dedupeWindow: writeDuration(policy.dedupeWindowMs),
      durable: policy.durable,
    },
    version: endpoint.version,
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
  };
}
