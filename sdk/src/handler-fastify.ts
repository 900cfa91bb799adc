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
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: options.maxBytes ?? 2 * 1024 * 1024 },
    (_request, body, parsed) => {
      parsed(null, body);
    },
  );
  app.all(`${options.basePath.replace(/\/+$/, "")}/*`, async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    reply.hijack();
    await server.handle(request.raw, reply.raw, body);
  });
  done();
};
