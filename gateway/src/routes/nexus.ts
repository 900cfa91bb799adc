import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import {
  MalformedPath,
  parseQuery,
  splitNexusPath,
  type NexusRoute,
} from "@nexus-mesh/sdk/protocol/path";
import { encodeAsyncStart } from "@nexus-mesh/sdk/protocol/start-response";
import type { Endpoint, Namespace } from "@nexus-mesh/registry/registry";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError } from "../api-error.ts";
import { isContentHeader } from "@nexus-mesh/sdk/protocol/content";
import type { GatewayContext } from "../gateway-context.ts";
import { authenticate } from "../identity/authenticate.ts";
import { assertGranted } from "../identity/grants.ts";
import { assertRole } from "../identity/permissions.ts";
import type { Caller } from "../identity/principal.ts";
import type { NexusEngine } from "../operations/create-engine.ts";
import { isUuid } from "../store/uuid-v7.ts";
import { registerCompletionRoute } from "./nexus-completion.ts";
import { sendNexusError } from "./nexus-error.ts";
import { sendOutcome } from "./nexus-outcome.ts";
import { sendPayload } from "./payload.ts";
import { rawBody } from "./raw-body.ts";
import { requestHeaders } from "./request-headers.ts";
import { waitingCaller } from "./waiting-caller.ts";
import { assertLinks, assertNames, callbackHeaders, emptyIsNone } from "./start-headers.ts";

export const nexusPrefix = "/nexus/endpoints/";

/** What `server.ts` rewrites Nexus paths to: Fastify's router would decode them first and answer `%ff` by itself. */
export const nexusRoute = "/nexus/endpoints";

interface NexusPath {
  readonly endpoint: string;
  readonly route: NexusRoute;
  readonly query: Readonly<Record<string, string>>;
}

/** The same few are called again and again; bounded, for callers choose them. */
const parsedPaths = new Map<string, NexusPath>();
const rememberedPaths = 1_000;
const longestRememberedPath = 500;

/** Nexus start and cancel by endpoint, and the completion callback (protocol.md 1.4, 1.8). */
export function registerNexusRoutes(
  app: FastifyInstance,
  context: GatewayContext,
  engine: NexusEngine,
): void {
  const identify = authenticate(context);
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: context.options.maxPayloadBytes },
      (_request, body, parsed) => {
        parsed(null, body);
      },
    );
    scope.setErrorHandler((error, request, reply) =>
      sendNexusError(context, request, reply, error),
    );
    scope.all(nexusRoute, { schema: { hide: true } }, handle);
    registerCompletionRoute(scope, context, engine);
    done();
  });

  function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (request.method !== "POST") {
      throw new ApiError(
        "INVALID_REQUEST",
        `invalid request method: expected POST, got ${JSON.stringify(request.method)}`,
      );
    }
    const path = nexusPath(request.originalUrl);
    const { route } = path;
    const serve = (caller: Caller): Promise<FastifyReply> =>
      route.kind === "cancel"
        ? cancel(request, reply, acting(caller), path, route)
        : start(request, reply, acting(caller), path, route);
    const identified = identify(request.headers);
    return identified instanceof Promise ? identified.then(serve) : serve(identified);
  }

  async function start(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Acting,
    path: NexusPath,
    route: { service: string; operation: string },
  ): Promise<FastifyReply> {
    assertRole(caller, "startNexusOperation");
    const first = requestHeaders(request.raw);
    assertLinks(first[headerNames.link]);
    const snapshot = context.registry.snapshot();
    const endpoint = openEndpoint(path.endpoint);
    assertGranted(snapshot, endpoint, caller.namespace.name, route.service, route.operation);
    const callbackUrl = emptyIsNone(path.query["callback"]);
    const respondAsync = prefersAsync(first["prefer"]);
    const start = {
      caller,
      endpoint,
      service: route.service,
      operation: route.operation,
      requestId: emptyIsNone(first[headerNames.requestId]),
      headers: first,
      body: rawBody(request),
    };
    const failureSupport = first[headerNames.failureSupport] === "true";
    // Workers come for their tasks when they like: there is nothing to pass through to.
    const direct = endpoint.target.kind === "http" && !endpoint.policy.durable;
    if (callbackUrl === null && !respondAsync && direct) {
      const passed = await engine.startPassThrough(start, waitingCaller(request, reply));
      switch (passed.kind) {
        case "started":
          return sendStarted(reply, passed.id, passed.links);
        case "ended":
          return sendOutcome(reply, passed.outcome, failureSupport);
        case "reply": {
          const { status, headers, body } = passed.reply;
          reply.code(status);
          for (const name in headers) {
            if (isPassedOn(name)) reply.header(name, headers[name]);
          }
          return sendPayload(reply, body);
        }
      }
    }
    const started = await engine.startDurable({
      ...start,
      callbackUrl,
      callbackHeaders: callbackHeaders(first),
      respondAsync,
    });
    if (started.kind === "ended") return sendOutcome(reply, started.outcome, failureSupport);
    return sendStarted(reply, started.id, started.links.join(", "));
  }

  async function cancel(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Acting,
    path: NexusPath,
    route: { service: string; operation: string; token?: string | undefined },
  ): Promise<FastifyReply> {
    assertRole(caller, "cancelNexusOperation");
    const token =
      requestHeaders(request.raw)[headerNames.operationToken] ?? route.token ?? path.query["token"];
    if (token === undefined || token === "")
      throw new ApiError("INVALID_REQUEST", "missing operation token");
    const operation = isUuid(token) ? await context.store.operation(token) : undefined;
    const endpoint = context.registry.snapshot().endpoints.get(path.endpoint);
    const { namespace } = caller;
    if (
      operation === undefined ||
      operation.endpointId !== endpoint?.id ||
      operation.service !== route.service ||
      operation.operation !== route.operation ||
      // Other tenants' operations are always unknown.
      (operation.callerNs !== namespace.id &&
        operation.ownerNs !== namespace.id &&
        caller.principal.role !== "admin")
    ) {
      throw new ApiError("OPERATION_NOT_FOUND", `operation ${JSON.stringify(token)} is not known`);
    }
    await engine.cancel({ key: operation.key, id: operation.id });
    return reply.code(202).send();
  }

  function acting(caller: Caller): Acting {
    const { namespace } = caller;
    if (namespace === undefined) {
      throw new ApiError(
        "NAMESPACE_REQUIRED",
        "this token acts for every namespace: say for which",
        {
          hint: "Send the header Nexus-Mesh-Namespace",
          violations: [
            {
              pointer: "header:nexus-mesh-namespace",
              rule: "required",
              detail: "a mesh-wide token must name a namespace",
            },
          ],
        },
      );
    }
    return { ...caller, namespace };
  }

  function openEndpoint(name: string): Endpoint {
    const endpoint = context.registry.snapshot().endpoints.get(name);
    if (endpoint === undefined || endpoint.closing) {
      throw new ApiError("ENDPOINT_NOT_FOUND", `endpoint ${JSON.stringify(name)} is not known`, {
        hint: "nexus-mesh endpoint list shows what there is",
      });
    }
    return endpoint;
  }
}

type Acting = Caller & { readonly namespace: Namespace };

/** Of a pass-through's reply, beside its content headers; everything else stays here. */
const passedReplyHeaders: ReadonlySet<string> = new Set([
  headerNames.operationState,
  headerNames.retryable,
  headerNames.link,
  "retry-after",
  "temporal-nexus-failure-source",
]);

function isPassedOn(name: string): boolean {
  return isContentHeader(name) || passedReplyHeaders.has(name);
}

function prefersAsync(prefer: string | undefined): boolean {
  if (prefer === undefined) return false;
  return prefer
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes("respond-async");
}

function sendStarted(reply: FastifyReply, id: string, links: string | undefined): FastifyReply {
  const { status, headers, body } = encodeAsyncStart(id);
  if (links !== undefined && links !== "") reply.header(headerNames.link, links);
  return reply.code(status).headers(headers).send(Buffer.from(body));
}

function nexusPath(url: string): NexusPath {
  const known = parsedPaths.get(url);
  if (known !== undefined) return known;
  const path = parseNexusPath(url);
  if (url.length > longestRememberedPath) return path;
  if (parsedPaths.size >= rememberedPaths) parsedPaths.clear();
  parsedPaths.set(url, path);
  return path;
}

function parseNexusPath(url: string): NexusPath {
  const [path = "", ...query] = url.split("?");
  const parts = path.slice(nexusPrefix.length).split("/");
  const [endpoint = "", services, ...rest] = parts;
  if (services !== "services") throw new ApiError("ROUTE_NOT_FOUND", "not found");
  try {
    const route = splitNexusPath(rest.join("/"));
    if (route === undefined) throw new ApiError("ROUTE_NOT_FOUND", "not found");
    assertNames(route.service, route.operation);
    return { endpoint: decodeURIComponent(endpoint), route, query: parseQuery(query.join("?")) };
  } catch (error) {
    throw malformedPath(error);
  }
}

function malformedPath(error: unknown): unknown {
  if (!(error instanceof MalformedPath) && !(error instanceof URIError)) return error;
  return new ApiError("INVALID_REQUEST", "the path or query has a bad percent-encoding", {
    hint: "Percent-encode names as UTF-8",
    violations: [{ pointer: "path:", rule: "percent-encoding", detail: error.message }],
    cause: error,
  });
}
