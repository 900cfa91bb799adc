import type { FastifyReply, FastifyRequest } from "fastify";
import type { Waiting } from "../dispatch/exchange.ts";

/** The caller of a pass-through: when it hangs up, its call is given up too. */
export function waitingCaller(request: FastifyRequest, reply: FastifyReply): Waiting {
  const { socket } = request.raw;
  return {
    gone: () => socket.destroyed,
    onGone(listener) {
      // Emitted also after a complete answer, when the exchange has long ended: nothing has to be taken off again.
      reply.raw.once("close", listener);
    },
  };
}
