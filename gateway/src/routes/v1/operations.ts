import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { headersFromBytes } from "../../dispatch/forwarded-headers.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { executionKey } from "../../operations/execution-key.ts";
import { isTerminal } from "../../operations/lifecycle.ts";
import type { OperationSummary } from "../../store/store.ts";
import { closedSignal } from "../closed-signal.ts";
import type { Route } from "../route.ts";
import { attemptJson } from "./attempt-json.ts";
import { actingNamespace, callerOf } from "./caller.ts";
import { readDuration } from "./duration-field.ts";
import { findEndpoint } from "./lookup.ts";
import { readFilter } from "./operation-filter.ts";
import { sendPayload } from "../payload.ts";
import { pages } from "./page.ts";
import * as schemas from "./schemas/operations.ts";
import {
  operationJson,
  operationNotFound,
  stateOf,
  visibleOperation,
} from "./visible-operation.ts";

const wait = { minMs: 0, maxMs: 60_000 };

export function registerOperations(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  const { keys, store } = context;

  app.route<Route<"lookupOperation">>({
    ...schemas.lookupOperation,
    handler: async (request) => {
      const caller = callerOf(request);
      const { id: callerNs } = actingNamespace(caller);
      const { endpoint, service, operation, requestId } = request.params;
      const { id: endpointId } = findEndpoint(context, endpoint);
      const key = executionKey({ callerNs, endpointId, service, operation, requestId });
      const head = await store.head(key);
      if (head === undefined) throw operationNotFound(requestId);
      return operationJson(context, caller, await visibleOperation(context, caller, head.id));
    },
  });

  app.route<Route<"listOperations">>({
    ...schemas.listOperations,
    handler: async (request) => {
      const caller = callerOf(request);
      const filter = readFilter(context, caller, request.query);
      const paging = pages(keys, caller, "operations", filter);
      const position = await paging.position(request.query);
      const { items, next } = await store.list(filter, paging.limit(request.query), position);
      return {
        items: items.map((summary) => operationJson(context, caller, summary)),
        nextCursor: await paging.cursor(next),
      };
    },
  });

  app.route<Route<"getOperation">>({
    ...schemas.getOperation,
    handler: async (request, reply) =>
      operationJson(
        context,
        callerOf(request),
        await awaited(request, reply, request.params.operationId, request.query.wait),
      ),
  });

  app.route<Route<"getOperationResult">>({
    ...schemas.getOperationResult,
    handler: async (request, reply) => {
      const { operationId: id } = request.params;
      const summary = await awaited(request, reply, id, request.query.wait);
      if (!isTerminal(stateOf(summary))) {
        return reply.code(202).send(operationJson(context, callerOf(request), summary));
      }
      const outcome = await store.outcome(id);
      if (outcome === undefined) throw operationNotFound(id);
      // The bytes are the handler's: a browser must neither guess their type nor run them in this origin.
      reply.headers({ "x-content-type-options": "nosniff", "content-security-policy": "sandbox" });
      reply.header(headerNames.operationState, outcome.state);
      if (outcome.result !== null) {
        reply.headers(headersFromBytes(outcome.headers));
        return sendPayload(reply.code(200), outcome.result);
      }
      // Its bytes as they are: big integers in details would not survive parsing.
      reply.code(424).type("application/json");
      return sendPayload(reply, outcome.failure ?? Buffer.from("{}"));
    },
  });

  app.route<Route<"listAttempts">>({
    ...schemas.listAttempts,
    handler: async (request) => {
      const { operationId } = request.params;
      await visibleOperation(context, callerOf(request), operationId);
      return { items: (await store.attempts(operationId)).map(attemptJson) };
    },
  });

  /** The operation as it is once it has ended or the wait is over. */
  async function awaited(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    waitText: string | undefined,
  ): Promise<OperationSummary> {
    const caller = callerOf(request);
    const ms = waitText === undefined ? 0 : readDuration("query:wait", waitText, wait);
    const summary = await visibleOperation(context, caller, id);
    if (ms === 0 || isTerminal(stateOf(summary))) return summary;
    const ref = { key: summary.row.key, id };
    await engine.waitForEnd(ref, ms, closedSignal(request, reply));
    return visibleOperation(context, caller, id);
  }
}
