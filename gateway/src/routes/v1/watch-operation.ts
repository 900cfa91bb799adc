import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { beginning, parseCursor, type WatchCursor } from "../../operations/watch-cursor.ts";
import { isTold } from "../../operations/watch-events.ts";
import type { Route } from "../route.ts";
import { callerOf } from "./caller.ts";
import { createEventStreams } from "./event-stream.ts";
import { watchOperation } from "./schemas/watch.ts";
import { seesInside, visibleOperation } from "./visible-operation.ts";

export function registerWatchOperation(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  const streams = createEventStreams(context);

  app.route<Route<"watchOperation">>({
    ...watchOperation,
    // A HEAD of it would be a stream too.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { operationId } = request.params;
      const caller = callerOf(request);
      const { row } = await visibleOperation(context, caller, operationId);
      const cursor = readCursor(operationId, request.headers["last-event-id"]);
      if (isTold(cursor)) return reply.code(204).send();
      const { principal } = caller;
      const inside = seesInside(caller, row);
      streams.open(reply.raw, { operationId, principal, inside, cursor }, (follower) =>
        engine.watch({ key: row.key, id: operationId }, follower),
      );
      return reply.hijack();
    },
  });
}

function readCursor(operationId: string, given: string | string[] | undefined): WatchCursor {
  const text = Array.isArray(given) ? given.join() : (given ?? "");
  const cursor = text === "" ? beginning : parseCursor(operationId, text);
  if (cursor !== undefined) return cursor;
  const detail = "is not the id of an event of this operation";
  throw new ApiError("INVALID_CURSOR", `Last-Event-ID ${detail}`, {
    hint: "Leave out Last-Event-ID to be told everything from the beginning",
    violations: [{ pointer: "header:Last-Event-ID", rule: "cursor", detail }],
  });
}
