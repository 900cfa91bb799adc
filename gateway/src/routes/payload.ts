import type { FastifyReply } from "fastify";

const untyped = "nexus-mesh/untyped";

/** Payload bytes with the content type that was set, or none: Fastify would name bytes without one octet-stream. */
export function sendPayload(reply: FastifyReply, body: Buffer): FastifyReply {
  if (reply.hasHeader("content-type")) return reply.send(body);
  if (body.length === 0) return reply.send();
  return reply.header("content-type", untyped).send(body);
}

/** To be called when a reply's headers are about to be written. */
export function dropUntyped(reply: FastifyReply): void {
  if (reply.getHeader("content-type") === untyped) reply.removeHeader("content-type");
}
