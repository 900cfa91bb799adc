import type { FastifyInstance, FastifyPluginCallback } from "fastify";
import { createHandlerServer, type HandlerServerOptions } from "./handler.ts";

export interface NexusHandlerPluginOptions extends HandlerServerOptions {
  /** Where the operations are mounted, e.g. `/nexus`. */
  readonly basePath: string;
}

/**
 * A Fastify plugin that serves Nexus operations below `basePath`, with a body parser of its own: Fastify's would answer a
 * start without a content type with 415 (protocol.md, pitfall 1).
 *
 * @example
 * app.register(nexusHandler, { basePath: "/nexus", services: [greeting], trust: { gateway, audience } });
 */
export const nexusHandler: FastifyPluginCallback<NexusHandlerPluginOptions> = (
  app: FastifyInstance,
  options,
  done,
) => {
  const server = createHandlerServer(options);
  app.removeAllContentTypeParsers();
  // The body stays unread: Fastify's limit would answer 413, which callers take for a proxy's and repeat for ever.
  app.addContentTypeParser("*", (_request, _body, parsed) => {
    parsed(null);
  });
  app.all(`${options.basePath.replace(/\/+$/, "")}/*`, (request, reply) => {
    reply.hijack();
    server.listener(request.raw, reply.raw);
  });
  done();
};
