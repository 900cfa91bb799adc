import type { IncomingMessage, ServerOptions } from "node:http";
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { ApiError } from "./api-error.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { createHttpServer } from "./http-server.ts";
import type { NexusEngine } from "./operations/create-engine.ts";
import type { GatewayOptions } from "./options.ts";
import { dropUntyped } from "./routes/payload.ts";
import { sendNexusError } from "./routes/nexus-error.ts";
import { nexusPrefix, nexusRoute, registerNexusRoutes } from "./routes/nexus.ts";
import { maxParamLength, registerV1Routes } from "./routes/v1/register.ts";
import { schemaController } from "./routes/v1/schema-controller.ts";
import { sendProblem } from "./routes/v1/problem.ts";
import { refuseUnreadable } from "./unreadable-request.ts";

/** Longer than pooled clients keep theirs, so that it is never the server who closes under a request. */
const keepAliveTimeoutMs = 75_000;
const headersTimeoutMs = 80_000;
const timeoutCheckMs = 30_000;

export interface HttpApp {
  readonly app: FastifyInstance;
  /** Answers from now on end their connection, so that clients move away without a reset. */
  closeConnectionsAfterReply(): void;
}

export async function createHttpApp(
  context: GatewayContext,
  engine: NexusEngine,
): Promise<HttpApp> {
  const { options, keys, log } = context;
  // Widened, or every plugin would have to name pino's own type.
  const loggerInstance: FastifyBaseLogger = log;
  let closing = false;
  const app = fastify({
    loggerInstance,
    // Nothing logs through a request's own logger: pino's child would be made at each one for nothing.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.maxPayloadBytes,
    serverFactory: (listener) => createHttpServer(timeouts(options), listener),
    clientErrorHandler: (error, socket) => {
      refuseUnreadable(error, socket, log);
    },
    forceCloseConnections: false,
    return503OnClosing: false,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    schemaController,
    routerOptions: { maxParamLength },
    rewriteUrl,
    frameworkErrors: (error, request, reply) => {
      const detail = "the path has a bad percent-encoding";
      const violations = [{ pointer: "path:", rule: "percent-encoding", detail }];
      void answer(
        request,
        new ApiError("INVALID_REQUEST", detail, { violations, cause: error }),
        reply,
      );
    },
  });

  // Not onResponse: Fastify would listen on every response for its end.
  app.addHook("onSend", (request, reply, payload, done) => {
    if (closing) reply.header("connection", "close");
    dropUntyped(reply);
    logAnswer(request, reply);
    done(null, payload);
  });
  app.setErrorHandler((error, request, reply) => answer(request, error, reply));
  app.setNotFoundHandler((request, reply) =>
    answer(request, new ApiError("ROUTE_NOT_FOUND", "there is nothing at this path"), reply),
  );

  app.get("/healthz", { schema: { hide: true } }, () => ({ status: "ok" }));
  app.get("/.well-known/jwks.json", { schema: { hide: true } }, (_request, reply) => {
    reply.header("cache-control", "public, max-age=300");
    return keys.jwks();
  });
  registerNexusRoutes(app, context, engine);
  await registerV1Routes(app, context, engine);

  return {
    app,
    closeConnectionsAfterReply() {
      closing = true;
    },
  };

  function answer(
    request: FastifyRequest,
    error: unknown,
    reply: Parameters<typeof sendNexusError>[2],
  ) {
    return request.originalUrl.startsWith("/nexus/")
      ? sendNexusError(context, request, reply, error)
      : sendProblem(context, request, reply, error);
  }

  /** No query, no headers: callback URLs and tokens travel there. */
  function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
    const { statusCode: status } = reply;
    const level = status >= 500 ? "warn" : "debug";
    if (!log.isLevelEnabled(level)) return;
    const { elapsedTime: ms } = reply;
    const [path] = request.originalUrl.split("?");
    log[level]({ requestId: request.id, method: request.method, path, status, ms }, "answered");
  }
}

function timeouts({ receiveTimeoutMs }: GatewayOptions): ServerOptions {
  return {
    keepAliveTimeout: keepAliveTimeoutMs,
    headersTimeout: Math.min(headersTimeoutMs, receiveTimeoutMs),
    requestTimeout: receiveTimeoutMs,
    connectionsCheckingInterval: Math.min(timeoutCheckMs, receiveTimeoutMs),
  };
}

/** Fastify's router would decode the names first and answer `%ff` by itself. */
function rewriteUrl(request: IncomingMessage): string {
  const url = request.url ?? "/";
  return url.startsWith(nexusPrefix) ? nexusRoute : url;
}
