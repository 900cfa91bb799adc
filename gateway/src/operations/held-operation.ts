import type { Endpoint, Target } from "@nexus-mesh/registry/registry";
import type { GatewayContext } from "../gateway-context.ts";
import { defaultPriority } from "./task-priority.ts";
import type { Head, Lease, OperationRow } from "../store/store.ts";

/** An operation that this gateway holds under a lease. */
export interface HeldOperation {
  readonly lease: Lease;
  readonly operation: OperationRow;
  readonly head: Pick<
    Head,
    | "state"
    | "attempt"
    | "owes"
    | "targetId"
    | "closeBy"
    | "handlerToken"
    | "cancelRequestedAt"
    | "closedAt"
  >;
}

export interface Whereabouts {
  readonly endpoint: Endpoint | undefined;
  readonly target: Target | undefined;
  readonly callerNamespace: string;
}

/** Reads the registry's picture of where a row's numbers point to. */
export function whereabouts(
  context: Pick<GatewayContext, "registry">,
  operation: Pick<OperationRow, "endpointId" | "callerNs">,
  targetId: number | null,
): Whereabouts {
  const snapshot = context.registry.snapshot();
  const endpoint = snapshot.endpointsById.get(operation.endpointId);
  return {
    endpoint,
    target: targetId === null ? endpoint?.target : snapshot.targetsById.get(targetId),
    callerNamespace: snapshot.namespacesById.get(operation.callerNs)?.name ?? "",
  };
}

/** It has ended while its task may still wait: a claim would find it void, and until then it would be counted. */
export async function dropTask(
  context: Pick<GatewayContext, "registry" | "store">,
  operation: Pick<OperationRow, "id" | "endpointId" | "callerNs" | "priority">,
  targetId: number | null,
): Promise<void> {
  const { target } = whereabouts(context, operation, targetId);
  if (target?.kind !== "queue") return;
  await context.store.dropTask({
    queueId: target.queueId,
    callerNs: operation.callerNs,
    priority: operation.priority ?? defaultPriority,
    id: operation.id,
  });
}
