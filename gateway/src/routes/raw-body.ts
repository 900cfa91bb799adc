import type { FastifyRequest } from "fastify";

/** The one parser of Nexus paths collects bytes; a request without a body has none. */
export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
