import { parseFailure } from "@nexus-mesh/sdk/protocol/failure";
import { ApiError } from "../api-error.ts";
import { backoff } from "../dispatch/backoff.ts";
import type { StartAttempt } from "../dispatch/start-attempt.ts";
import type { GatewayContext } from "../gateway-context.ts";
import {
  owes,
  type Attempt,
  type Lease,
  type NewOutcome,
  type OperationRow,
} from "../store/store.ts";
import type { DeliverOwed } from "./deliver-owed.ts";
import { digestUuid } from "./execution-key.ts";
import type { InlineWait } from "./inline-wait.ts";
import { failedOutcome, succeededOutcome } from "./outcome.ts";
import type { ProgressReports } from "./progress-reports.ts";
import type { PutDownTasks } from "./put-down.ts";
import { outcomeRow, type SettleOperation } from "./settle-operation.ts";
import type { TaskClaims } from "./task-token.ts";

/** A worker's answers. Each needs the lease that its token names; without it nothing changes: LEASE_LOST. */
export interface AnswerTasks {
  /** The result of a start, or that a cancel was taken note of. Resolves when it is committed. */
  complete(
    task: TaskClaims,
    content: Readonly<Record<string, string>>,
    body: Buffer,
    links: string | undefined,
  ): Promise<void>;
  fail(task: TaskClaims, failure: TaskFailure): Promise<void>;
  /** It goes on by itself; its completion will name the operation by its callback token. */
  start(task: TaskClaims, handlerToken: string, links: string | undefined): Promise<void>;
  release(task: TaskClaims): Promise<"released" | "lost">;
  heartbeat(task: TaskClaims, progress: Buffer | null): Promise<TaskBeat>;
}

export type TaskFailure = Extract<StartAttempt, { kind: "failed" | "refused" | "retry" }>;

export interface TaskBeat {
  readonly state: "held" | "lost";
  readonly cancelRequested: boolean;
}

export function createAnswerTasks(
  context: GatewayContext,
  parts: {
    settle: SettleOperation;
    deliverOwed: DeliverOwed;
    putDown: PutDownTasks;
    progress: ProgressReports;
    background: (work: Promise<void>) => void;
    recall: (id: string) => OperationRow | undefined;
    /** Of starts that wait here for their first answer. */
    inlineWaits: ReadonlyMap<string, InlineWait>;
  },
): AnswerTasks {
  const { clock, crash, log, metrics, options, store } = context;

  async function operationOf({ id }: TaskClaims): Promise<OperationRow> {
    const operation = parts.recall(id) ?? (await store.operation(id));
    if (operation === undefined) throw new Error(`operation ${id} has a task and no row`);
    return operation;
  }

  async function end(task: TaskClaims, given: NewOutcome, result: string): Promise<void> {
    crash("answer:received");
    const outcome = { ...given, digest: answerDigest(given, task) };
    const inline = parts.inlineWaits.get(task.id);
    const takenInline = inline?.claim() ?? false;
    const settled = await parts
      .settle({
        key: task.key,
        id: task.id,
        holder: leaseOf(task),
        outcome,
        takenInline,
        owesCancel: false,
        endpointId: task.endpointId,
      })
      .catch((error: unknown) => {
        if (takenInline) inline?.answer({ kind: "unknown", error });
        throw error;
      });
    crash("answer:committed");
    if (settled.kind !== "settled") {
      inline?.answer({ kind: "started", links: undefined });
      // The reply to the first one may have been lost: the same answer under the same lease is welcome.
      if (settled.kind === "already" && settled.digest === outcome.digest) return;
      throw lost(task);
    }
    metrics.tasks.inc({ result });
    const row = outcomeRow(task.key, task.id, outcome, settled.head.closedAt ?? clock.now());
    if (takenInline) inline?.answer({ kind: "ended", outcome: row });
    const { lease, head } = settled;
    if (lease !== null) {
      parts.background(
        operationOf(task).then((operation) => parts.deliverOwed({ lease, operation, head }, row)),
      );
    }
  }

  async function cancelAnswered(
    task: TaskClaims,
    error: string | null,
    retry: boolean,
  ): Promise<void> {
    const n =
      (await store.attempts(task.id)).filter((attempt) => attempt.kind === "cancel").length + 1;
    const attempt: Attempt = {
      kind: "cancel",
      n,
      at: clock.now(),
      ms: 0,
      targetId: null,
      status: null,
      error,
    };
    metrics.attempts.inc({
      kind: "cancel",
      result: error === null ? "ok" : retry ? "retry" : "final",
    });
    const delayMs = retry ? backoff(n, options.backoff, clock.random) : null;
    const written = await store.noteCancelDelivered(leaseOf(task), attempt, delayMs);
    if (written === "stale") throw lost(task);
    log.info({ operationId: task.id, attempt: n, error }, "cancel answered by a worker");
  }

  function lost(task: TaskClaims): ApiError {
    metrics.tasks.inc({ result: "stale" });
    return new ApiError(
      "LEASE_LOST",
      `operation ${task.id} is not held under this lease any more: it has ended, or another worker has it`,
      {
        hint: "Drop the work: nothing of this answer was taken. Heartbeats keep a lease",
        members: { operationId: task.id },
      },
    );
  }

  return {
    async complete(task, content, body, links) {
      if (task.kind === "cancel") return cancelAnswered(task, null, false);
      return end(task, succeededOutcome(content, body, null, links), "succeeded");
    },

    async fail(task, failure) {
      if (task.kind === "cancel") {
        // As of a start: the type and the message, none of the details.
        const text =
          failure.kind === "retry"
            ? failure.error
            : `${failure.kind === "refused" ? failure.type : failure.state}: ${parseFailure(failure.failure)?.message ?? ""}`;
        return cancelAnswered(task, text.slice(0, 500), failure.kind === "retry");
      }
      switch (failure.kind) {
        case "failed":
          return end(task, failedOutcome(failure.state, failure.failure, null), "failed");
        case "refused":
          return end(task, failedOutcome("failed", failure.failure, null), "refused");
        case "retry": {
          const head = await store.head(task.key);
          const attempt = Math.max(1, head?.attempt ?? 1);
          const delayMs = backoff(attempt, options.backoff, clock.random);
          const operation = await operationOf(task);
          const written = await parts.putDown.retry(operation, task, task.queueId, {
            attempt,
            error: failure.error,
            delayMs,
          });
          parts.inlineWaits.get(task.id)?.answer({ kind: "started", links: undefined });
          if (written === "stale") throw lost(task);
          metrics.tasks.inc({ result: "retry" });
        }
      }
    },

    async start(task, handlerToken, links) {
      if (task.kind === "cancel") throw lost(task);
      const started = await store.startTask(task, handlerToken);
      if (started.kind === "lost") throw lost(task);
      parts.inlineWaits.get(task.id)?.answer({ kind: "started", links });
      if (started.kind === "repeated") return;
      metrics.tasks.inc({ result: "started" });
      log.info({ operationId: task.id }, "operation started");
      const head = started.cancelPending ? await store.head(task.key) : undefined;
      if (head === undefined) return;
      const { lease } = started;
      parts.background(
        operationOf(task).then((operation) =>
          parts.deliverOwed({
            lease,
            operation,
            head: { ...head, state: "started", handlerToken, owes: head.owes | owes.cancel },
          }),
        ),
      );
    },

    async release(task) {
      if (task.kind === "cancel") {
        const held = { lease: leaseOf(task), operation: await operationOf(task) };
        const head = await store.head(task.key);
        if (head === undefined || head.fence !== task.fence) return "lost";
        await parts.putDown.cancel({ ...held, head }, task.queueId);
        return "released";
      }
      const written = await parts.putDown.release(await operationOf(task), task, task.queueId);
      metrics.tasks.inc({ result: written === "written" ? "released" : "stale" });
      return written === "written" ? "released" : "lost";
    },

    async heartbeat(task, progress) {
      const beat = async (given: Buffer | null) => {
        crash("heartbeat:received");
        const { leaseMs } = task;
        const beaten = await store.heartbeat({ lease: task, leaseMs, progress: given });
        if (beaten.kind === "held" && beaten.written) crash("heartbeat:committed");
        return beaten;
      };
      let answer: Awaited<ReturnType<typeof beat>> | undefined;
      if (progress !== null && task.kind === "start") {
        await parts.progress.report(
          `${task.key} ${task.id} ${task.fence}`,
          progress,
          async (newest) => {
            answer = await beat(newest);
            return answer.kind === "lost" ? "gone" : answer.written ? "written" : "early";
          },
        );
      }
      answer ??= await beat(null);
      return answer.kind === "held"
        ? { state: "held", cancelRequested: task.kind === "start" && answer.cancelRequested }
        : { state: "lost", cancelRequested: false };
    },
  };
}

/** A worker knows its lease's end by its own clock; here the fence alone decides. */
function leaseOf({ key, id, fence }: TaskClaims): Lease {
  return { key, id, fence, endsAt: Infinity };
}

/** Not the outcome's alone: two workers may have computed the same, and only one of them holds the lease. */
function answerDigest({ digest }: NewOutcome, { fence }: TaskClaims): string {
  return digestUuid(Buffer.from(`${digest} ${fence}`));
}
