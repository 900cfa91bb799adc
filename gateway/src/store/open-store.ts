import type { Clock } from "../clock.ts";
import type { ReachCrashPoint } from "../crash-points.ts";
import type { Metrics } from "../metrics.ts";
import type { TerminalState } from "../operations/lifecycle.ts";
import { createAccept } from "./accept.ts";
import { createCallbacks } from "./callbacks.ts";
import { createHeldRows } from "./held-rows.ts";
import { createListOperations } from "./list-operations.ts";
import { createNotes } from "./notes.ts";
import { createOperationRows } from "./operation-rows.ts";
import { createSettle } from "./settle.ts";
import { createStoreConnection, type StorePools } from "./store-connection.ts";
import type { Store } from "./store.ts";
import { createSweepHeads } from "./sweep-heads.ts";
import { createQueues } from "./queues.ts";
import { createTasks } from "./tasks.ts";
import { createWatchedRows } from "./watched-rows.ts";

export { batchPoolOptions, storePoolOptions } from "./store-connection.ts";

export interface StoreParts extends StorePools {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly metrics: Metrics;
  readonly maxBytesInFlight: number;
  readonly crash: ReachCrashPoint;
  /** An idle connection was lost: without a listener pg would end the process. */
  readonly onError: (error: Error) => void;
}

/** Ended by its handler: after an end by hand or by time the note still says whom to cancel. */
function isCompletion(state: TerminalState): boolean {
  return state === "succeeded" || state === "failed" || state === "canceled";
}

export function openStore(parts: StoreParts): Store {
  const { pool, batchPool, watchPool, clock, leaseMs, metrics, crash } = parts;
  for (const each of [pool, batchPool, watchPool]) each.on("error", parts.onError);
  const connection = createStoreConnection({ pool, batchPool, watchPool }, clock, leaseMs);
  const accept = createAccept(connection, metrics, parts.maxBytesInFlight, crash);
  const settle = createSettle(connection, metrics);
  const notes = createNotes(connection, metrics, crash);
  const { summaries, ...operationRows } = createOperationRows(connection);
  const { flushTasks, ...tasks } = createTasks(connection, metrics, crash);

  // The awaited ones first: what is noted lazily may wait for their locks.
  const flush = async (): Promise<void> => {
    await Promise.all([accept.flush(), settle.flush(), flushTasks()]);
    await Promise.all([
      notes.started.flush(),
      notes.retry.flush(),
      notes.delivered.flush(),
      notes.cancelDelivered.flush(),
      notes.moveCallback.flush(),
      notes.release.flush(),
    ]);
  };

  return {
    accept: (operation) => accept.submit(operation),
    async settle(request) {
      const settled = await settle.submit(request);
      // A lazy note that its own completion overtook would only look for a row in another state: 200 µs of Postgres.
      if (settled.kind === "settled" && isCompletion(request.outcome.state))
        notes.started.withdraw(request.key, { kind: "overtaken" });
      return settled;
    },
    noteStarted: (note) => notes.started.submit(note),
    noteRetry: (note) => notes.retry.submit(note),
    noteDelivered: (lease) => notes.delivered.submit(lease),
    noteCancelDelivered: (lease, attempt, retryDelayMs) =>
      notes.cancelDelivered.submit({ lease, attempt, retryDelayMs }),
    moveCallback: (lease, callback) => notes.moveCallback.submit({ lease, ...callback }),
    async release(lease, delayMs) {
      await notes.release.submit({ lease, delayMs });
    },
    ...createHeldRows(connection, crash),
    ...createCallbacks(connection),
    ...tasks,
    ...createQueues(connection),
    ...operationRows,
    ...createWatchedRows(connection),
    sweep: createSweepHeads(connection),
    list: createListOperations(connection, summaries),
    flush,
    close: flush,
  };
}
