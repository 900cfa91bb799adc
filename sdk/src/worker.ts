import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { HandlerError, type OperationContext } from "nexus-rpc";
import type { Dispatcher } from "undici";
import { AdminError } from "./admin.ts";
import type { Caller } from "./caller-trust.ts";
import { callerOf, createHandleCancel, createHandleStart } from "./handle-operation.ts";
import { InvalidRequest } from "./http-exchange.ts";
import { servicesByName, type AnyServiceHandler } from "./handler.ts";
import { parseDuration } from "./protocol/duration.ts";
import { handlerErrorToFailure } from "./protocol/failure.ts";
import { headerNames } from "./protocol/headers.ts";
import type { TaskMessage } from "./protocol/task-batch.ts";
import { checkedProgress, type Progress } from "./progress.ts";
import { CancelRequested, createServeTask } from "./worker/serve-task.ts";
import { createTaskClient, isPassing, isRefusal, type TaskAnswer } from "./worker/task-client.ts";

export { callerOf } from "./handle-operation.ts";
export { CancelRequested } from "./worker/serve-task.ts";
export type { AnyServiceHandler, Caller, Progress };

export interface WorkerOptions {
  /** The gateway's public URL. */
  readonly url: string;
  /** A mesh token of role `handler` of the queue's namespace, or a function that gives the current one. */
  readonly token: string | (() => string | Promise<string>);
  /** The namespace that owns the queue. */
  readonly namespace: string;
  readonly queue: string;
  /** Built with `serviceHandler` of `nexus-rpc`: the same that `createHandlerServer` serves. */
  readonly services: readonly AnyServiceHandler[];
  /** Tasks that run at once. Default 10. */
  readonly slots?: number;
  /** Polls at once, each for as many tasks as there are free slots. Default 2. */
  readonly polls?: number;
  /** How long a task stays this worker's without a heartbeat, in ms. Default 30,000. */
  readonly leaseMs?: number;
  /** How often leases are kept and cancels are heard of, in ms. Default: a tenth of the lease. */
  readonly heartbeatMs?: number;
  /** How long a drain lets tasks go on before it gives them back, in ms. Default 10,000. */
  readonly drainMs?: number;
  /** Shown with the queue. Default: host, process and a random part. */
  readonly name?: string;
  /** Errors that a caller does not hear of, and what goes wrong between worker and gateway. Default: `console.error`. */
  readonly onError?: (error: unknown) => void;
  readonly dispatcher?: Dispatcher;
}

/** What a handler of a worker has besides what `nexus-rpc` gives it. */
export interface WorkerContext extends OperationContext {
  /**
   * Tells the caller how far it is; the newest report is sent within a second. Does nothing outside of a worker.
   * @throws TypeError for a report over a limit of {@link Progress}, or one that JSON can't hold.
   */
  heartbeat(progress?: Progress): void;
  /** Who called. */
  readonly caller: Caller | undefined;
}

export interface Worker {
  /** Polls and serves until `drain`; resolves when the last task is answered or given back. */
  run(): Promise<void>;
  /** Takes nothing new, lets what runs end, gives back what does not in time. Resolves as `run` does. */
  drain(): Promise<void>;
}

/** The reason of `ctx.abortSignal` when the task is not this worker's any more: what it does from then on is lost. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** The reason of `ctx.abortSignal` when the worker drains and the task took too long: it was given back. */
export class WorkerDraining extends Error {
  override readonly name = "WorkerDraining";
}

/** The context with its type: `heartbeat` and `caller` are there in every handler that a worker runs. */
export function workerContext(ctx: OperationContext): WorkerContext {
  if ("heartbeat" in ctx) return ctx as WorkerContext;
  return { ...ctx, heartbeat: () => undefined, caller: callerOf(ctx) };
}

const pollWaitMs = 20_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** Between two reports: the mesh writes no more than one a second. */
const beatMs = 1_000;
/** So that no request comes near the gateway's 256 KiB: a token and the largest report are 11 KiB, every character escaped. */
const tasksPerRequest = 20;

interface Running {
  readonly token: string;
  readonly controller: AbortController;
  readonly leaseMs: number;
  /** Monotonic ms; by this worker's own clock, from before its last good heartbeat. */
  leaseEndsAt: number;
  /** Not sent yet. */
  progress: Progress | undefined;
  /** Another's, or given back: nothing that is sent for it is taken any more. */
  lost: boolean;
  over: boolean;
}

/**
 * Serves operations from behind a firewall: it polls a queue that endpoints point at, and nobody has to reach it.
 * `ctx.abortSignal` fires when the caller cancels ({@link CancelRequested}) and when the lease is lost ({@link LeaseLost}).
 * A handler may answer with a result, an error, or `HandlerStartOperationResult.async(token)` and complete later, from
 * anywhere, with `completeOperation`.
 *
 * @throws TypeError for two services of one name.
 * @example
 * const worker = createWorker({ url, token, namespace: "insights", queue: "reports", services: [reports] });
 * process.once("SIGTERM", () => void worker.drain());
 * await worker.run();
 */
export function createWorker(options: WorkerOptions): Worker {
  const { slots = 10, polls = 2, leaseMs = 30_000, drainMs = 10_000 } = options;
  const heartbeatMs = options.heartbeatMs ?? leaseMs / 10;
  const onError =
    options.onError ??
    ((error: unknown) => {
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    });
  const client = createTaskClient({
    url: options.url,
    token: options.token,
    namespace: options.namespace,
    queue: options.queue,
    worker: options.name ?? `${hostname()}/${process.pid}/${randomBytes(3).toString("hex")}`,
    leaseMs,
    dispatcher: options.dispatcher,
  });
  const services = servicesByName(options.services);
  const serveTask = createServeTask({
    start: createHandleStart(services),
    cancel: createHandleCancel(services),
    onError,
  });
  const running = new Set<Running>();
  const work = new Set<Promise<void>>();
  const draining = new AbortController();
  const finished = new AbortController();
  /** Slots that a poll on its way may fill. */
  let asked = 0;
  let freed: (() => void)[] = [];
  let run: Promise<void> | undefined;

  async function pollLoop(): Promise<void> {
    let failures = 0;
    while (!isDraining()) {
      const free = slots - running.size - asked;
      if (free <= 0) {
        await new Promise<void>((resolve) => freed.push(resolve));
        continue;
      }
      // All free ones, less what the other polls need to ask for something.
      const limit = Math.min(100, Math.max(1, Math.ceil(free / polls)));
      asked += limit;
      let tasks: TaskMessage[] = [];
      const from = performance.now();
      try {
        tasks = await client.poll(limit, pollWaitMs, draining.signal);
        failures = 0;
      } catch (error) {
        if (isDraining()) return;
        onError(error);
        failures += 1;
      } finally {
        asked -= limit;
      }
      for (const task of tasks) begin(task, from);
      if (tasks.length < limit) wakePolls();
      if (failures > 0) await pause(failures, draining.signal);
    }
  }

  function isDraining(): boolean {
    return draining.signal.aborted;
  }

  function wakePolls(): void {
    const waiting = freed;
    freed = [];
    for (const resolve of waiting) resolve();
  }

  function begin(task: TaskMessage, polledAt: number): void {
    const length = parseDuration(task.headers[headerNames.taskLease] ?? "") ?? leaseMs;
    const one: Running = {
      token: task.headers[headerNames.taskToken] ?? "",
      controller: new AbortController(),
      leaseMs: length,
      // Not before the poll: the claim came after it, and a poll may have waited long.
      leaseEndsAt: Math.max(polledAt, performance.now() - beatMs) + length,
      progress: undefined,
      lost: false,
      over: false,
    };
    running.add(one);
    const done = serve(task, one)
      .catch(onError)
      .finally(() => {
        one.over = true;
        running.delete(one);
        work.delete(done);
        wakePolls();
      });
    work.add(done);
  }

  async function serve(task: TaskMessage, one: Running): Promise<void> {
    const heartbeat = (progress?: Progress): void => {
      if (progress !== undefined) one.progress = checkedProgress(progress);
    };
    const { signal } = one.controller;
    await send(one, await serveTask(task, { signal, extras: { heartbeat } }));
  }

  /** Until a gateway has taken it or says that the lease is gone; heartbeats keep the lease meanwhile. */
  async function send(one: Running, answer: TaskAnswer): Promise<void> {
    let sent = answer;
    let failures = 0;
    while (!one.lost) {
      try {
        await client.answer(one.token, sent);
        return;
      } catch (error) {
        if (error instanceof AdminError && error.code === "LEASE_LOST") {
          lose(one, new LeaseLost("the task is not this worker's any more"));
          return;
        }
        onError(error);
        if (isPassing(error)) {
          failures += 1;
          await pause(failures, finished.signal);
        } else if ((isRefusal(error) || error instanceof InvalidRequest) && sent === answer) {
          // Without any answer it would be done again, and refused again, without end.
          sent = refused(error);
          failures = 0;
        } else return;
      }
    }
  }

  /** A canceled one keeps the first reason of its signal. */
  function lose(one: Running, reason: LeaseLost | WorkerDraining): void {
    one.lost = true;
    one.controller.abort(reason);
  }

  async function beatLoop(): Promise<void> {
    let last = performance.now();
    while (!finished.signal.aborted) {
      await pause(0, finished.signal, Math.min(beatMs, heartbeatMs));
      const now = performance.now();
      const due = now - last >= heartbeatMs;
      const tasks = [...running].filter((one) => due || one.progress !== undefined);
      if (due) last = now;
      await Promise.all(batches(tasks).map(beat));
    }
  }

  async function beat(tasks: readonly Running[]): Promise<void> {
    const from = performance.now();
    const sent = tasks.map((one) => {
      const { token, progress } = one;
      one.progress = undefined;
      return { token, ...(progress === undefined ? {} : { progress }) };
    });
    try {
      const beats = await heartbeat(sent);
      tasks.forEach((one, at) => {
        const known = beats[at];
        if (known === undefined || one.over) return;
        if (known.state === "lost")
          lose(one, new LeaseLost("the task is not this worker's any more"));
        else {
          one.leaseEndsAt = from + one.leaseMs;
          if (known.cancelRequested)
            one.controller.abort(new CancelRequested("the caller asked to cancel"));
        }
      });
    } catch (error) {
      onError(error);
      tasks.forEach((one, at) => {
        // Newer than what did not get there is what came meanwhile.
        if (isPassing(error)) one.progress ??= sent[at]?.progress;
        if (performance.now() >= one.leaseEndsAt)
          lose(one, new LeaseLost("no gateway has kept the lease in time"));
      });
    }
  }

  /** A report that is refused after all costs itself, no lease. */
  async function heartbeat(tasks: Parameters<typeof client.heartbeat>[0]) {
    try {
      return await client.heartbeat(tasks);
    } catch (error) {
      if (!isRefusal(error) || tasks.every(({ progress }) => progress === undefined)) throw error;
      onError(error);
      return client.heartbeat(tasks.map(({ token }) => ({ token })));
    }
  }

  async function runUntilDrained(): Promise<void> {
    const beating = beatLoop();
    await Promise.all(Array.from({ length: polls }, () => pollLoop()));
    const end = performance.now() + drainMs;
    while (work.size > 0 && performance.now() < end)
      await Promise.race([
        Promise.all(work),
        delay(end - performance.now(), undefined, { ref: false }),
      ]);
    const left = [...running].filter((one) => !one.lost);
    for (const one of left)
      lose(one, new WorkerDraining("the worker drains and gives the task back"));
    await Promise.all(
      batches(left).map((some) => client.release(some.map(({ token }) => token)).catch(onError)),
    );
    finished.abort();
    await beating;
  }

  return {
    run: () => (run ??= runUntilDrained()),
    drain() {
      draining.abort();
      wakePolls();
      return (run ??= Promise.resolve());
    },
  };
}

/** Says what the gateway said, or which header HTTP can't carry, and nothing of the answer. */
function refused(why: AdminError | InvalidRequest): TaskAnswer {
  const error = new HandlerError(
    "INTERNAL",
    why instanceof InvalidRequest
      ? `the worker's answer can't be sent: ${why.message}`
      : `the gateway refused the worker's answer: ${why.status} ${why.code}`,
    { retryableOverride: false },
  );
  return { kind: "fail", failure: Buffer.from(JSON.stringify(handlerErrorToFailure(error))) };
}

function batches(tasks: readonly Running[]): (readonly Running[])[] {
  return Array.from({ length: Math.ceil(tasks.length / tasksPerRequest) }, (_, n) =>
    tasks.slice(n * tasksPerRequest, (n + 1) * tasksPerRequest),
  );
}

/** Doubled with each failure, jittered; ends early with the signal. */
async function pause(failures: number, signal: AbortSignal, ms?: number): Promise<void> {
  const full = Math.min(firstPauseMs * 2 ** Math.max(0, failures - 1), longestPauseMs);
  const length = ms ?? full / 2 + (full / 2) * Math.random();
  try {
    await delay(length, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
