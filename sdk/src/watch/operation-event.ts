import type { components } from "@nexus-mesh/openapi/types";

type WatchEvent = components["schemas"]["WatchEvent"];
type Event<Type extends WatchEvent["event"]> = { readonly type: Type } & Readonly<
  Extract<WatchEvent, { event: Type }>["data"]
>;

/** It is in this state since `at` (RFC 3339); the last state comes as the outcome. `worker`: of a queue, who has it. */
export type StateEvent = Event<"state">;

/** One recorded try at a start or a cancel: the API's `Attempt`. */
export type AttemptEvent = Event<"attempt">;

/**
 * Why nobody works on it: it waits for its next try (`until`), was set aside until somebody redrives it (`parked`), or no
 * worker has taken it yet. `reason: null`: it goes on.
 */
export type BlockedEvent = Event<"blocked">;

/** The newest report of its handler or worker. */
export type ProgressEvent = Event<"progress">;

/** How it ended; nothing comes after it. The result itself is read by `result()`. */
export type OutcomeEvent = Event<"outcome">;

/** What `GET /v1/operations/{operationId}/events` tells, told apart by `type`; times are RFC 3339. */
export type OperationEvent =
  StateEvent | AttemptEvent | BlockedEvent | ProgressEvent | OutcomeEvent;

/** The compiler demands every kind of the document here, and none that is not. */
const types: Readonly<Record<OperationEvent["type"], true>> = {
  state: true,
  attempt: true,
  blocked: true,
  progress: true,
  outcome: true,
};

/**
 * Undefined: a kind of event that only newer gateways know.
 * @throws SyntaxError for data that is no JSON.
 */
export function decodeOperationEvent(type: string, data: string): OperationEvent | undefined {
  if (!Object.hasOwn(types, type)) return undefined;
  // The one place where the stream's JSON enters; its shape is the document's, which the gateway writes it by.
  return { ...(JSON.parse(data) as object), type } as OperationEvent;
}
