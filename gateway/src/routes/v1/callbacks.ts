import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Caller } from "../../identity/principal.ts";
import type { CallbackRow } from "../../store/store.ts";
import type { Route, Schema } from "../route.ts";
import { callerOf, isAdmin } from "./caller.ts";
import { pages } from "./page.ts";
import * as schemas from "./schemas/callbacks.ts";
import { iso, withoutQuery } from "./visible-operation.ts";

export function registerCallbacks(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  const { keys, store } = context;

  app.route<Route<"listCallbacks">>({
    ...schemas.listCallbacks,
    handler: async (request) => {
      const caller = callerOf(request);
      const { state } = request.query;
      const filter = {
        namespaceId: caller.namespace?.id ?? null,
        states: state === undefined ? [] : [state],
      };
      const paging = pages(keys, caller, "callbacks", filter);
      const position = await paging.position(request.query);
      const { items, next } = await store.callbacks(filter, paging.limit(request.query), position);
      return { items: items.map(callbackJson), nextCursor: await paging.cursor(next) };
    },
  });

  app.route<Route<"getCallback">>({
    ...schemas.getCallback,
    handler: async (request) => {
      const { callbackId } = request.params;
      await assertOwn(callerOf(request), callbackId);
      const row = await store.callback(callbackId);
      if (row === undefined) throw notFound(callbackId);
      return callbackJson(row);
    },
  });

  app.route<Route<"redeliverCallback">>({
    ...schemas.redeliverCallback,
    handler: async (request, reply) => {
      const { callbackId } = request.params;
      await assertOwn(callerOf(request), callbackId);
      await engine.redeliverCallback(callbackId);
      return reply.code(202).send();
    },
  });

  /** Its receiver is the caller's affair: the endpoint's owner doesn't see it. */
  async function assertOwn(caller: Caller, callbackId: string): Promise<void> {
    const operationId = /^([0-9a-f-]{36})\./.exec(callbackId)?.[1];
    const row = operationId === undefined ? undefined : await store.operation(operationId);
    if (row !== undefined && (isAdmin(caller) || caller.namespace?.id === row.callerNs)) return;
    throw notFound(callbackId);
  }
}

function notFound(callbackId: string): ApiError {
  const detail = `callback ${JSON.stringify(callbackId)} is not known`;
  return new ApiError("CALLBACK_NOT_FOUND", detail, {
    violations: [{ pointer: "path:callbackId", rule: "known", detail: "no such callback" }],
  });
}

function callbackJson(row: CallbackRow): Schema<"Callback"> {
  return {
    id: row.callbackId,
    operationId: row.id,
    url: withoutQuery(row.url),
    state: row.state,
    attempts: row.attempt,
    createdAt: iso(row.createdAt),
    nextAttemptAt: row.state === "due" ? iso(row.dueAt) : null,
    lastStatus: row.lastStatus,
    lastError: row.lastError,
  };
}
