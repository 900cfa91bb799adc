import type { components } from "@nexus-mesh/openapi/types";

type Operation = components["schemas"]["Operation"];
type Attempt = components["schemas"]["Attempt"];
type State = Operation["state"];
type EndState = Extract<State, "succeeded" | "failed" | "canceled" | "timed_out" | "terminated">;

/** It is in this state now, or was at `at`; the last state comes as the outcome. */
export interface StateEvent {
  readonly type: "state";
  readonly state: Exclude<State, EndState>;
  /** RFC 3339; null: not known any more. */
  readonly at: string | null;
  /** Of a queue: the worker that has it. */
  readonly worker: string | null;
}

/** One recorded try at a start or a cancel (the API's `Attempt`). */
export interface AttemptEvent extends Readonly<Attempt> {
  readonly type: "attempt";
}

/** Why it does not go on at the moment; `reason: null`: it does again. */
export interface BlockedEvent {
  readonly type: "blocked";
  /** Before its next try; set aside until somebody redrives it; not claimed by a worker yet. */
  readonly reason: "backing_off" | "parked" | "waiting_for_worker" | null;
  readonly message: string | null;
  /** RFC 3339: when the next try is made. */
  readonly until: string | null;
}

/** The handler's or worker's newest report. */
export interface ProgressEvent extends Readonly<NonNullable<Operation["progress"]>> {
  readonly type: "progress";
}

/** How it ended; nothing comes after it. The result itself is read by `result()`. */
export interface OutcomeEvent {
  readonly type: "outcome";
  readonly state: EndState;
  /** RFC 3339. */
  readonly closedAt: string;
  /** Of the failure, at most 1,000 characters. */
  readonly message: string | null;
}

/** What `GET /v1/operations/{operationId}/events` tells, told apart by `type`. */
export type OperationEvent =
  StateEvent | AttemptEvent | BlockedEvent | ProgressEvent | OutcomeEvent;

const types: readonly string[] = [
  "state",
  "attempt",
  "blocked",
  "progress",
  "outcome",
] satisfies OperationEvent["type"][];

/**
 * Undefined: a kind of event that only newer gateways know.
 * @throws SyntaxError for data that is no JSON.
 */
export function decodeOperationEvent(type: string, data: string): OperationEvent | undefined {
  if (!types.includes(type)) return undefined;
  // The one place where the stream's JSON enters; its shape is the document's, which the gateway writes it by.
  return { type, ...(JSON.parse(data) as object) } as OperationEvent;
}
