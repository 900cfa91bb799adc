import { backoff } from "../dispatch/backoff.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { Lease, OperationRow } from "../store/store.ts";
import type { PutDown } from "../store/task.ts";
import { whereabouts, type HeldOperation } from "./held-operation.ts";
import type { PolledTask, QueuePolls } from "./queue-polls.ts";
import { defaultPriority } from "./task-priority.ts";

type Fenced = Pick<Lease, "key" | "id" | "fence">;
type Written = "written" | "stale";

/** How operations of queues come back to their queue. */
export interface PutDownTasks {
  /** Nobody has it: a worker shall. */
  wait(held: HeldOperation, queueId: number): Promise<void>;
  /** Its worker did not answer in time. */
  lost(held: HeldOperation, queueId: number): Promise<void>;
  /** Its worker answered that it may be tried again. */
  retry(
    operation: OperationRow,
    lease: Fenced,
    queueId: number,
    failed: { readonly attempt: number; readonly error: string; readonly delayMs: number | null },
  ): Promise<Written>;
  release(operation: OperationRow, lease: Fenced, queueId: number): Promise<Written>;
  /** A cancel is owed to whoever works for the queue; `stale` also when nobody took it until all is forgotten. */
  cancel(held: HeldOperation, queueId: number): Promise<Written>;
  /** Claimed for a worker that has gone away meanwhile. */
  giveBack(tasks: readonly PolledTask[], queueId: number): Promise<void>;
}

export function createPutDownTasks(
  context: GatewayContext,
  polls: Pick<QueuePolls, "filled">,
): PutDownTasks {
  const { clock, crash, log, metrics, options, store } = context;

  async function put(
    operation: OperationRow,
    lease: Fenced,
    queueId: number,
    how: PutDown,
  ): Promise<Written> {
    crash("put-down:before-commit");
    const written = await store.putDown({
      lease,
      queueId,
      priority: operation.priority ?? defaultPriority,
      closeBy: operation.closeBy,
      how,
    });
    crash("put-down:after-commit");
    const later = how.kind === "lost" && (how.delayMs !== null || how.parked);
    if (written === "written" && !later) polls.filled(queueId);
    return written;
  }

  async function failed(
    operation: OperationRow,
    lease: Fenced,
    queueId: number,
    { attempt, error, delayMs }: { attempt: number; error: string; delayMs: number | null },
  ): Promise<Written> {
    const { endpoint } = whereabouts(context, operation, null);
    const maxAttempts = endpoint?.policy.maxAttempts ?? null;
    const parked = maxAttempts !== null && attempt >= maxAttempts;
    log.warn(
      { operationId: operation.id, attempt, error },
      parked ? "operation parked" : "attempt failed, will be tried again",
    );
    return put(operation, lease, queueId, {
      kind: "lost",
      delayMs,
      parked,
      attempt: {
        kind: "start",
        n: attempt,
        at: clock.now(),
        ms: 0,
        targetId: null,
        status: null,
        error,
      },
    });
  }

  return {
    async wait({ operation, lease, head }, queueId) {
      // Schedule-to-start is over once a worker has taken it.
      const startBy = head.attempt === 0 ? operation.startBy : null;
      await put(operation, lease, queueId, { kind: "wait", startBy });
    },

    async lost({ operation, lease, head }, queueId) {
      metrics.tasks.inc({ result: "lost" });
      // The first loss is paid with the lease already; a task that kills its workers gets slower.
      const delayMs =
        head.attempt <= 1 ? null : backoff(head.attempt - 1, options.backoff, clock.random);
      const error = "the worker's lease ended without an answer";
      await failed(operation, lease, queueId, { attempt: head.attempt, error, delayMs });
    },

    retry: failed,
    release: (operation, lease, queueId) =>
      put(operation, lease, queueId, { kind: "released", startBy: operation.startBy }),

    cancel: ({ operation, lease }, queueId) => put(operation, lease, queueId, { kind: "cancel" }),

    async giveBack(tasks, queueId) {
      const missing = tasks.filter(({ operation }) => operation === undefined);
      const rows = await store.operations(missing.map(({ lease }) => lease.id));
      for (const { kind, lease, operation } of tasks) {
        const row = operation ?? rows.find(({ id }) => id === lease.id);
        if (row === undefined) continue;
        const how: PutDown =
          kind === "cancel" ? { kind } : { kind: "released", startBy: row.startBy };
        await put(row, lease, queueId, how);
      }
    },
  };
}
