import { Counter, Gauge, Registry as PromRegistry } from "prom-client";
import { Histogram } from "./histogram.ts";

export interface Metrics {
  readonly registry: PromRegistry;
  /** `mode`: pass_through | durable; `outcome`: succeeded, failed, started, error type. */
  readonly starts: Counter<"endpoint" | "mode" | "outcome">;
  /** `kind`: start | cancel | callback; `result`: ok | retry | final | refused. */
  readonly attempts: Counter<"kind" | "result">;
  readonly attemptSeconds: Histogram<"kind">;
  readonly operationsEnded: Counter<"endpoint" | "state">;
  readonly completions: Counter<"result">;
  readonly denials: Counter<"code">;
  readonly batchRows: Histogram<"statement">;
  readonly batchSeconds: Histogram<"statement">;
  readonly sweepTaken: Counter<"kind">;
  readonly waiters: Gauge;
  readonly eventStreams: Gauge;
  /** `result`: handed | claimed | succeeded | failed | refused | started | retry | released | lost | stale. */
  readonly tasks: Counter<"result">;
  readonly pollsWaiting: Gauge;
  readonly queueDepth: Gauge<"namespace" | "queue" | "caller">;
  readonly queueOldestSeconds: Gauge<"namespace" | "queue" | "caller">;
  readonly queueWorkers: Gauge<"namespace" | "queue">;
  readonly acceptedBytesInFlight: Gauge;
  readonly snapshotVersion: Gauge;
  readonly snapshotStalenessSeconds: Gauge;
  readonly clockOffsetSeconds: Gauge;
}

export function createMetrics(): Metrics {
  const registry = new PromRegistry();
  const registers = [registry];
  const p = "nexus_mesh_";
  const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
  return {
    registry,
    starts: new Counter({
      name: `${p}starts_total`,
      help: "Starts by endpoint, mode and outcome",
      labelNames: ["endpoint", "mode", "outcome"],
      registers,
    }),
    attempts: new Counter({
      name: `${p}attempts_total`,
      help: "Attempts at starts, cancels and callbacks",
      labelNames: ["kind", "result"],
      registers,
    }),
    attemptSeconds: new Histogram({
      name: `${p}attempt_seconds`,
      help: "Duration of attempts",
      label: "kind",
      buckets: seconds,
      registry,
    }),
    operationsEnded: new Counter({
      name: `${p}operations_ended_total`,
      help: "Operations that reached a terminal state here",
      labelNames: ["endpoint", "state"],
      registers,
    }),
    completions: new Counter({
      name: `${p}completions_total`,
      help: "Completions received, by result",
      labelNames: ["result"],
      registers,
    }),
    denials: new Counter({
      name: `${p}denials_total`,
      help: "Requests refused for their identity or grant",
      labelNames: ["code"],
      registers,
    }),
    batchRows: new Histogram({
      name: `${p}batch_rows`,
      help: "Rows per group-committed statement",
      label: "statement",
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
      registry,
    }),
    batchSeconds: new Histogram({
      name: `${p}batch_seconds`,
      help: "Duration of group-committed statements",
      label: "statement",
      buckets: seconds,
      registry,
    }),
    sweepTaken: new Counter({
      name: `${p}sweep_total`,
      help: "Rows the sweep took, purged or delivered",
      labelNames: ["kind"],
      registers,
    }),
    waiters: new Gauge({ name: `${p}waiters`, help: "Long polls waiting here", registers }),
    eventStreams: new Gauge({
      name: `${p}event_streams`,
      help: "Streams of events of operations open here",
      registers,
    }),
    tasks: new Counter({
      name: `${p}tasks_total`,
      help: "Tasks handed to waiting workers, claimed, and how they were answered here",
      labelNames: ["result"],
      registers,
    }),
    pollsWaiting: new Gauge({
      name: `${p}polls_waiting`,
      help: "Polls of workers waiting here",
      registers,
    }),
    queueDepth: new Gauge({
      name: `${p}queue_depth`,
      help: "Tasks that wait for a worker, in the whole mesh, counted up to 100,000 for each caller",
      labelNames: ["namespace", "queue", "caller"],
      registers,
    }),
    queueOldestSeconds: new Gauge({
      name: `${p}queue_oldest_seconds`,
      help: "Age of the oldest operation that waits for a worker",
      labelNames: ["namespace", "queue", "caller"],
      registers,
    }),
    queueWorkers: new Gauge({
      name: `${p}queue_workers`,
      help: "Workers seen within the last 30 s, on any gateway",
      labelNames: ["namespace", "queue"],
      registers,
    }),
    acceptedBytesInFlight: new Gauge({
      name: `${p}accepted_bytes_in_flight`,
      help: "Payload bytes of accepts not committed yet",
      registers,
    }),
    snapshotVersion: new Gauge({
      name: `${p}snapshot_version`,
      help: "Version of the registry snapshot",
      registers,
    }),
    snapshotStalenessSeconds: new Gauge({
      name: `${p}snapshot_staleness_seconds`,
      help: "Time since the snapshot was confirmed",
      registers,
    }),
    clockOffsetSeconds: new Gauge({
      name: `${p}clock_offset_seconds`,
      help: "Database time minus process time",
      registers,
    }),
  };
}
