import type { FastifyReply, FastifyRequest } from "fastify";

/** Aborts when the caller goes away before its answer. Fastify's own signal fires when the request was read. */
export function closedSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const { socket } = request.raw;
  socket.once("close", onClose);
  reply.raw.once("finish", () => socket.off("close", onClose));
  return controller.signal;

  function onClose(): void {
    controller.abort();
  }
}
