import type { TaskMessage } from "@nexus-mesh/sdk/protocol/task-batch";
import { ApiError } from "../api-error.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { CallerBacklog, WorkerSeen } from "../store/task.ts";
import { uuidV7Time } from "../store/uuid-v7.ts";
import type { AnswerTasks } from "./answer-tasks.ts";
import type { HandOut } from "./hand-out.ts";
import type { ProgressReports } from "./progress-reports.ts";
import type { PutDownTasks } from "./put-down.ts";
import type { PolledTask, PollRequest, QueuePolls } from "./queue-polls.ts";
import { createQueueBacklog } from "./queue-backlog.ts";
import { createTaskTokens, type TaskClaims } from "./task-token.ts";

export interface QueueEngine extends AnswerTasks {
  poll(request: PollRequest): Promise<Handed>;
  /** undefined: not a token that this mesh gave out. */
  verify(token: string): TaskClaims | undefined;
  /** By whoever has the callback token. */
  reportProgress(operation: { key: string; id: string }, progress: Buffer): Promise<void>;
  /** A worker without a free slot does not poll, but it beats. */
  seen(queueId: number, worker: string): void;
  states(queueIds: readonly number[]): Promise<ReadonlyMap<number, QueueState>>;
  /** Reads what the gauges of the queues show. */
  measure(): Promise<void>;
}

/** What a poll brought its worker. */
export interface Handed {
  readonly tasks: readonly TaskMessage[];
  /** The answer did not reach the worker: others shall have them now, not when the leases end. */
  undelivered(): void;
}

export interface QueueState {
  readonly depth: number;
  /** false: there are more. */
  readonly countedAll: boolean;
  readonly oldestAgeMs: number | null;
  readonly callers: readonly (Pick<CallerBacklog, "callerNs" | "depth" | "countedAll"> & {
    readonly oldestAgeMs: number;
  })[];
  readonly workers: readonly WorkerSeen[];
}

/** Polls and heartbeats are written down every 10 s. */
const aliveMs = 30_000;

export function createQueueEngine(
  context: GatewayContext,
  parts: {
    polls: QueuePolls;
    handOut: HandOut;
    answers: AnswerTasks;
    progress: ProgressReports;
    putDown: Pick<PutDownTasks, "giveBack">;
    background: (work: Promise<void>) => void;
  },
): QueueEngine {
  const { clock, keys, metrics, registry, store } = context;
  const tokens = createTaskTokens(keys.callbackHmac);
  const backlogOf = createQueueBacklog(store, clock);

  async function states(queueIds: readonly number[]): Promise<Map<number, QueueState>> {
    if (queueIds.length === 0) return new Map();
    const [backlog, workers] = await Promise.all([
      backlogOf(queueIds),
      store.workers(queueIds, aliveMs),
    ]);
    const now = clock.now();
    return new Map(
      queueIds.map((id) => {
        const callers = (backlog.get(id) ?? []).map(({ oldestId, ...line }) => ({
          ...line,
          oldestAgeMs: Math.max(0, Math.round(now - uuidV7Time(oldestId))),
        }));
        const state: QueueState = {
          depth: callers.reduce((sum, { depth }) => sum + depth, 0),
          countedAll: callers.every(({ countedAll }) => countedAll),
          oldestAgeMs:
            callers.length === 0
              ? null
              : Math.max(...callers.map(({ oldestAgeMs }) => oldestAgeMs)),
          callers,
          workers: workers.filter(({ queueId }) => queueId === id),
        };
        return [id, state];
      }),
    );
  }

  return {
    ...parts.answers,
    verify: (token) => tokens.verify(token),
    seen: (queueId, worker) => {
      parts.polls.seen(queueId, worker);
    },
    states,

    async poll(request) {
      const { queueId, leaseMs, signal } = request;
      const claimed = await parts.polls.poll(request);
      const giveBack = (tasks: readonly PolledTask[]): void => {
        if (tasks.length > 0) parts.background(parts.putDown.giveBack(tasks, queueId));
      };
      try {
        const { tasks, left } = await parts.handOut(claimed, { id: queueId, leaseMs });
        giveBack(left);
        const handed = claimed.filter((task) => !left.includes(task));
        if (!signal.aborted) return { tasks, undelivered: () => giveBack(handed) };
        giveBack(handed);
        return { tasks: [], undelivered: () => undefined };
      } catch (error) {
        // Nobody has got them, and each would cost its lease.
        giveBack(claimed);
        throw error;
      }
    },

    async reportProgress({ key, id }, progress) {
      let found: Awaited<ReturnType<typeof store.noteProgress>> = "early";
      await parts.progress.report(`${key} ${id}`, progress, async (newest) => {
        found = await store.noteProgress(key, id, newest);
        return found === "written" || found === "early" ? found : "gone";
      });
      assertReported(id, found);
    },

    async measure() {
      const snapshot = registry.snapshot();
      const found = await states([...snapshot.queuesById.keys()]);
      metrics.queueDepth.reset();
      metrics.queueOldestSeconds.reset();
      metrics.queueWorkers.reset();
      for (const queue of snapshot.queuesById.values()) {
        const state = found.get(queue.id);
        const namespace = snapshot.namespacesById.get(queue.namespaceId)?.name ?? "";
        const labels = { namespace, queue: queue.name };
        metrics.queueWorkers.set(labels, state?.workers.length ?? 0);
        for (const { callerNs, depth, oldestAgeMs } of state?.callers ?? []) {
          const caller = snapshot.namespacesById.get(callerNs)?.name ?? "";
          metrics.queueDepth.set({ ...labels, caller }, depth);
          metrics.queueOldestSeconds.set({ ...labels, caller }, oldestAgeMs / 1_000);
        }
      }
    },
  };
}

function assertReported(id: string, found: "written" | "early" | "terminal" | "unknown"): void {
  if (found === "terminal")
    throw new ApiError("OPERATION_CLOSED", `operation ${id} has ended`, {
      members: { operationId: id },
    });
  if (found === "unknown")
    throw new ApiError("OPERATION_NOT_FOUND", `operation ${JSON.stringify(id)} is not known`);
}
