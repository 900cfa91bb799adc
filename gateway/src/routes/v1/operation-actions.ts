import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { assertGranted } from "../../identity/grants.ts";
import { isTerminal } from "../../operations/lifecycle.ts";
import type { OperationSummary } from "../../store/store.ts";
import type { Route } from "../route.ts";
import { callerOf } from "./caller.ts";
import * as schemas from "./schemas/operation-actions.ts";
import { operationJson, stateOf, visibleOperation } from "./visible-operation.ts";

export function registerOperationActions(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  app.route<Route<"cancelOperation">>({
    ...schemas.cancelOperation,
    handler: async (request, reply) => {
      const { operationId: id } = request.params;
      const { row, head } = await visibleOperation(context, callerOf(request), id);
      // No head: it ended so long ago that its key is forgotten. A cancel of what has ended does nothing.
      if (head !== null) await engine.cancel({ key: row.key, id });
      return reply.code(202).send();
    },
  });

  app.route<Route<"terminateOperation">>({
    ...schemas.terminateOperation,
    handler: async (request) => {
      const caller = callerOf(request);
      const { operationId: id } = request.params;
      await visibleOperation(context, caller, id);
      await engine.terminate(id, request.body.reason ?? "");
      return operationJson(context, caller, await visibleOperation(context, caller, id));
    },
  });

  app.route<Route<"redriveOperation">>({
    ...schemas.redriveOperation,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const { operationId: id } = request.params;
      const summary = await visibleOperation(context, caller, id);
      if (isTerminal(stateOf(summary))) assertStillGranted(summary);
      const redriven = await engine.redrive(id, caller);
      return reply.code(redriven.created ? 201 : 200).send(redriven);
    },
  });

  /** A repeat of an ended operation is a new start in its caller's name: a withdrawn grant stops it too. */
  function assertStillGranted({ row }: OperationSummary): void {
    const snapshot = context.registry.snapshot();
    const endpoint = snapshot.endpointsById.get(row.endpointId);
    const namespace = snapshot.namespacesById.get(row.callerNs);
    if (endpoint === undefined) {
      throw new ApiError("ENDPOINT_NOT_FOUND", `the endpoint of operation ${row.id} is gone`);
    }
    if (namespace === undefined) {
      throw new ApiError("NAMESPACE_NOT_FOUND", `the namespace of operation ${row.id} is gone`);
    }
    assertGranted(snapshot, endpoint, namespace.name, row.service, row.operation);
  }
}
