import type { FastifyRequest } from "fastify";
import type { Waiting } from "../dispatch/exchange.ts";

/** The caller of a pass-through: when it hangs up, its call is given up too. */
export function waitingCaller(request: FastifyRequest): Waiting {
  const { socket } = request.raw;
  return {
    gone: () => socket.destroyed,
    onGone(listener) {
      socket.once("close", listener);
      return () => socket.off("close", listener);
    },
  };
}
