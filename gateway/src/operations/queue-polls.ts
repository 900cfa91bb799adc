import { ApiError } from "../api-error.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { listenToQueues, type QueueSignal } from "../store/queue-signal.ts";
import type { OperationRow } from "../store/store.ts";
import type { ClaimedTask } from "../store/task.ts";

export interface PollRequest {
  readonly queueId: number;
  readonly worker: string;
  readonly limit: number;
  readonly leaseMs: number;
  readonly waitMs: number;
  /** The worker has gone away. */
  readonly signal: AbortSignal;
}

/** `operation`: in hand already, for its start came to this gateway. */
export interface PolledTask extends ClaimedTask {
  readonly operation?: OperationRow;
}

/** A poll that waits, set aside for an operation that is being accepted. */
export interface Reservation {
  readonly worker: string;
  readonly leaseMs: number;
  /** false: the worker has gone, and the task must be put down again. */
  deliver(task: PolledTask): boolean;
  /** It was not needed: the poll waits on. */
  cancel(): void;
}

export interface QueuePolls {
  /** Takes what waits in the queue, or waits for it; nothing when the time is over. */
  poll(request: PollRequest): Promise<readonly PolledTask[]>;
  reserve(queueId: number): Reservation | undefined;
  /** Tasks were put into the queue: polls that wait here are served, else those at other gateways are told. */
  filled(queueId: number): void;
  /** A worker has shown itself. */
  seen(queueId: number, worker: string): void;
  /** Answers every poll with nothing, and refuses new ones. */
  close(): void;
  stop(): Promise<void>;
}

interface Waiting {
  readonly request: PollRequest;
  /** Ends the poll; false: it has ended before. */
  readonly answer: (tasks: readonly PolledTask[]) => boolean;
  readonly over: () => boolean;
}

const floorMs = 100;
/**
 * One NOTIFY within this time, whatever is put: at every commit they would serialise commits. The first goes out at once:
 * waiting for others before it, 50 ms, was most of what a worker at another gateway waited.
 */
const notifyMs = 10;
/** How often a worker that polls or beats is written down. */
const seenMs = 10_000;
/** Void tasks are skipped; a queue that holds nothing else for so many looks is left for the next poll. */
const looks = 5;

export function createQueuePolls(
  context: GatewayContext,
  giveBack: (tasks: readonly PolledTask[], queueId: number) => Promise<void>,
): QueuePolls {
  const { clock, log, metrics, options, store } = context;
  const waiting = new Map<number, Waiting[]>();
  const serving = new Set<number>();
  const lastCaller = new Map<number, number>();
  const seenAt = new Map<string, number>();
  const toNotify = new Set<number>();
  let unseen: { queueId: number; worker: string }[] = [];
  let notifying: NodeJS.Timeout | undefined;
  let floor: NodeJS.Timeout | undefined;
  let signal: QueueSignal | undefined;
  let draining = false;
  let stopped = false;

  async function claim(request: PollRequest): Promise<PolledTask[]> {
    const { queueId, worker, leaseMs, limit } = request;
    const tasks: PolledTask[] = [];
    for (let look = 0; look < looks && tasks.length < limit; look += 1) {
      const claiming = store.claimTasks({
        queueId,
        worker,
        leaseMs,
        limit: limit - tasks.length,
        afterCaller: lastCaller.get(queueId) ?? 0,
      });
      const claimed = await claiming.catch((error: unknown) => {
        // What an earlier look has claimed is not lost with this one.
        if (tasks.length === 0) throw error;
        log.warn({ err: error, queueId }, "fewer tasks than asked for could be claimed");
        return undefined;
      });
      if (claimed === undefined) break;
      lastCaller.set(queueId, claimed.lastCaller);
      tasks.push(...claimed.tasks);
      if (claimed.seen === 0) break;
    }
    metrics.tasks.inc({ result: "claimed" }, tasks.length);
    return tasks;
  }

  function wait(request: PollRequest): Promise<readonly PolledTask[]> {
    return new Promise((resolve) => {
      let over = false;
      const answer = (tasks: readonly PolledTask[]): boolean => {
        if (over) return false;
        over = true;
        clearTimeout(timer);
        request.signal.removeEventListener("abort", onAbort);
        leave(request.queueId, entry);
        metrics.pollsWaiting.dec();
        resolve(tasks);
        return true;
      };
      const onAbort = (): void => {
        answer([]);
      };
      const timer = setTimeout(onAbort, request.waitMs);
      const entry: Waiting = { request, answer, over: () => over };
      request.signal.addEventListener("abort", onAbort, { once: true });
      metrics.pollsWaiting.inc();
      enter(request.queueId, entry);
      signal ??= listenToQueues({
        connectionString: options.databaseUrl,
        onTasks: (ids) => {
          for (const id of ids) if (waiting.has(id)) serve(id);
        },
        onError: (error) => {
          log.warn({ err: error }, "task notifications are not heard; polls ask every 100 ms");
        },
      });
    });
  }

  function enter(queueId: number, entry: Waiting, first = false): void {
    if (draining) {
      entry.answer([]);
      return;
    }
    // Only while polls wait, and also for one that comes back into line: a gateway without workers asks for nothing.
    floor ??= setTimeout(look, floorMs);
    const line = waiting.get(queueId) ?? [];
    waiting.set(queueId, line);
    if (first) line.unshift(entry);
    else line.push(entry);
  }

  function leave(queueId: number, entry: Waiting): void {
    const line = waiting.get(queueId);
    const at = line?.indexOf(entry) ?? -1;
    if (at >= 0) line?.splice(at, 1);
    if (line?.length === 0) waiting.delete(queueId);
  }

  /** The truth, whoever notified or not: one query over all queues that are waited for here. */
  function look(): void {
    const ids = [...waiting.keys()];
    for (const line of waiting.values())
      for (const { request } of line) noteSeen(request.queueId, request.worker);
    store
      .queuesWithTasks(ids)
      .then(
        (found) => {
          for (const id of found) serve(id);
        },
        (error: unknown) => {
          // The next look asks again; a poll's own time bounds how long it stays.
          log.warn({ err: error }, "queues could not be looked at");
        },
      )
      .finally(() => {
        floor = waiting.size > 0 && !draining ? setTimeout(look, floorMs) : undefined;
      });
    writeSeen();
  }

  function serve(queueId: number): void {
    if (serving.has(queueId)) return;
    serving.add(queueId);
    serveAll(queueId)
      .catch((error: unknown) => {
        log.warn({ err: error, queueId }, "tasks could not be claimed for the polls that wait");
      })
      .finally(() => serving.delete(queueId));
  }

  async function serveAll(queueId: number): Promise<void> {
    for (;;) {
      const entry = waiting.get(queueId)?.[0];
      if (entry === undefined) return;
      leave(queueId, entry);
      let tasks: PolledTask[] = [];
      try {
        tasks = await claim(entry.request);
      } finally {
        if (tasks.length === 0 && !entry.over()) enter(queueId, entry, true);
      }
      if (tasks.length === 0) return;
      if (!entry.answer(tasks)) await giveBack(tasks, queueId);
    }
  }

  function notify(): void {
    notifying = undefined;
    if (toNotify.size === 0) return;
    const ids = [...toNotify];
    toNotify.clear();
    store.notifyQueues(ids).catch((error: unknown) => {
      log.warn(
        { err: error },
        "other gateways could not be told of tasks; they look by themselves",
      );
    });
    notifying = setTimeout(notify, notifyMs);
  }

  function noteSeen(queueId: number, worker: string): void {
    const key = `${queueId} ${worker}`;
    const now = clock.monotonic();
    if (now - (seenAt.get(key) ?? -Infinity) < seenMs) return;
    // The latest last.
    seenAt.delete(key);
    seenAt.set(key, now);
    const [oldest] = seenAt.keys();
    if (seenAt.size > 10_000 && oldest !== undefined) seenAt.delete(oldest);
    unseen.push({ queueId, worker });
  }

  function writeSeen(): void {
    if (unseen.length === 0) return;
    const seen = unseen;
    unseen = [];
    store.noteWorkers(seen).catch((error: unknown) => {
      log.warn({ err: error }, "workers could not be written down");
    });
  }

  return {
    async poll(request) {
      if (draining) throw shuttingDown();
      noteSeen(request.queueId, request.worker);
      writeSeen();
      const tasks = await claim(request);
      if (tasks.length > 0) {
        if (!request.signal.aborted) return tasks;
        await giveBack(tasks, request.queueId);
        return [];
      }
      if (request.waitMs <= 0 || request.signal.aborted || isDraining()) return [];
      return wait(request);
    },

    reserve(queueId) {
      const entry = waiting.get(queueId)?.[0];
      if (entry === undefined) return undefined;
      leave(queueId, entry);
      const { worker, leaseMs } = entry.request;
      return {
        worker,
        leaseMs,
        deliver: (task) => {
          metrics.tasks.inc({ result: "handed" });
          return entry.answer([task]);
        },
        cancel() {
          if (!entry.over()) enter(queueId, entry, true);
        },
      };
    },

    filled(queueId) {
      if (stopped) return;
      if (waiting.has(queueId)) serve(queueId);
      toNotify.add(queueId);
      if (notifying === undefined) notify();
    },

    seen(queueId, worker) {
      noteSeen(queueId, worker);
      writeSeen();
    },

    close() {
      draining = true;
      for (const line of [...waiting.values()]) for (const { answer } of [...line]) answer([]);
    },

    async stop() {
      stopped = true;
      clearTimeout(floor);
      clearTimeout(notifying);
      await signal?.stop();
    },
  };

  function isDraining(): boolean {
    return draining;
  }
}

function shuttingDown(): ApiError {
  return new ApiError(
    "DRAINING",
    "this gateway is shutting down; another one answers the same poll",
    { headers: { "retry-after": "1" } },
  );
}
