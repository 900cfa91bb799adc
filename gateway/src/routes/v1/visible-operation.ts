import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Caller } from "../../identity/principal.ts";
import type { State } from "../../operations/lifecycle.ts";
import type { OperationSummary } from "../../store/store.ts";
import { uuidV7Time } from "../../store/uuid-v7.ts";
import type { Schema } from "../route.ts";
import { isAdmin } from "./caller.ts";
import { readProgress } from "./progress.ts";

/** The caller's namespace, the endpoint's owner, an admin; for everybody else it doesn't exist. */
export async function visibleOperation(
  context: Pick<GatewayContext, "store">,
  caller: Caller,
  id: string,
): Promise<OperationSummary> {
  const summary = await context.store.summary(id);
  if (summary === undefined || !sees(caller, summary.row)) throw operationNotFound(id);
  return summary;
}

export function operationNotFound(id: string): ApiError {
  return new ApiError("OPERATION_NOT_FOUND", `operation ${JSON.stringify(id)} is not known`, {
    violations: [{ pointer: "path:operationId", rule: "known", detail: "no such operation" }],
  });
}

export function stateOf({ head, outcome }: OperationSummary): State {
  const state = head?.state ?? outcome?.state;
  if (state === undefined) throw new Error("an operation has neither head nor outcome");
  return state;
}

export function operationJson(
  { registry }: Pick<GatewayContext, "registry">,
  caller: Caller,
  summary: OperationSummary,
): Schema<"Operation"> {
  const { row, head, outcome } = summary;
  const snapshot = registry.snapshot();
  const closedAt = outcome?.closedAt ?? head?.closedAt ?? null;
  const cancelRequestedAt = head?.cancelRequestedAt ?? null;
  return {
    id: row.id,
    state: stateOf(summary),
    endpoint: snapshot.endpointsById.get(row.endpointId)?.name ?? null,
    service: row.service,
    operation: row.operation,
    caller: snapshot.namespacesById.get(row.callerNs)?.name ?? null,
    owner: snapshot.namespacesById.get(row.ownerNs)?.name ?? null,
    requestId: row.requestId,
    principal: row.principal,
    attempts: head?.attempt ?? null,
    createdAt: iso(uuidV7Time(row.id)),
    closedAt: closedAt === null ? null : iso(closedAt),
    closeBy: row.closeBy === null ? null : iso(row.closeBy),
    cancelRequestedAt: cancelRequestedAt === null ? null : iso(cancelRequestedAt),
    callbackUrl:
      row.callbackUrl !== null && (isAdmin(caller) || caller.namespace?.id === row.callerNs)
        ? withoutQuery(row.callbackUrl)
        : null,
    redriveOf: row.redriveOf,
    // Host names and process ids of the owner's machines.
    worker: seesInside(caller, row) ? summary.worker : null,
    progress: summary.progress === null ? null : readProgress(summary.progress),
  };
}

/** What serves an operation, a queue and its workers, is its owner's affair. */
export function seesInside(caller: Caller, { ownerNs }: { ownerNs: number }): boolean {
  return isAdmin(caller) || caller.namespace?.id === ownerNs;
}

/** Receivers put secrets there. */
export function withoutQuery(url: string): string {
  return url.split("?", 1)[0] ?? "";
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function sees(caller: Caller, row: { callerNs: number; ownerNs: number }): boolean {
  const own = caller.namespace?.id;
  return isAdmin(caller) || own === row.callerNs || own === row.ownerNs;
}
