import type { TerminalState } from "../../../operations/lifecycle.ts";
import { Attempt, progressProperties } from "./operations.ts";
import { noContent, nullableTime, pathOf, time, uuid } from "./parameters.ts";
import { problems } from "./problem.ts";

const StateEvent = {
  $id: "StateEvent",
  type: "object",
  required: ["state", "at", "worker"],
  properties: {
    state: { type: "string", enum: ["scheduled", "backing_off", "parked", "started"] },
    at: { ...nullableTime, description: "null: not known to a moment." },
    worker: {
      type: ["string", "null"],
      description: "Of a queue: who has it; shown to the endpoint's owner and to admins.",
    },
  },
  examples: [{ state: "started", at: null, worker: "reports-7f9c/4711" }],
} as const;

const BlockedEvent = {
  $id: "BlockedEvent",
  type: "object",
  description: "Why nobody works on it.",
  required: ["reason", "message", "until"],
  properties: {
    reason: {
      type: ["string", "null"],
      enum: ["backing_off", "parked", "waiting_for_worker", null],
      description: "null: no longer.",
    },
    message: { type: ["string", "null"] },
    until: { ...nullableTime, description: "The next try." },
  },
  examples: [
    {
      reason: "backing_off",
      message: "connect ECONNREFUSED 10.0.0.7:443",
      until: "2026-08-14T09:30:04.000Z",
    },
  ],
} as const;

const ProgressEvent = {
  $id: "ProgressEvent",
  type: "object",
  required: ["step", "of", "message", "at", "detail"],
  properties: progressProperties,
  examples: [{ step: 2, of: 5, message: "reading", at: "2026-08-14T09:31:00.000Z", detail: null }],
} as const;

const OutcomeEvent = {
  $id: "OutcomeEvent",
  type: "object",
  description: "The last event. The result itself is read by `getOperationResult`.",
  required: ["state", "closedAt", "message"],
  properties: {
    state: {
      type: "string",
      enum: [
        "succeeded",
        "failed",
        "canceled",
        "timed_out",
        "terminated",
      ] satisfies TerminalState[],
    },
    closedAt: time,
    message: {
      type: ["string", "null"],
      description: "The failure's, cut after 1000 characters; null: it went well, or says none.",
    },
  },
  examples: [{ state: "succeeded", closedAt: "2026-08-14T09:32:00.000Z", message: null }],
} as const;

const data = {
  state: StateEvent,
  attempt: Attempt,
  blocked: BlockedEvent,
  progress: ProgressEvent,
  outcome: OutcomeEvent,
};

const WatchEvent = {
  $id: "WatchEvent",
  description: "One event of the stream: its `id`, its `event`, and its `data`, a line of JSON.",
  oneOf: Object.entries(data).map(([event, { $id }]) => ({
    type: "object",
    required: ["id", "event", "data"],
    properties: {
      id: { type: "string", description: "For `Last-Event-ID`." },
      event: { type: "string", enum: [event] },
      data: { $ref: `${$id}#` },
    },
  })),
  examples: [{ id: "v1.60718293.3.0.0.1x2y3z.0.0", event: "state", data: StateEvent.examples[0] }],
} as const;

export const watchSchemas = [StateEvent, BlockedEvent, ProgressEvent, OutcomeEvent, WatchEvent];

export const watchOperation = {
  method: "GET",
  url: "/v1/operations/:operationId/events",
  schema: {
    operationId: "watchOperation",
    summary: "Watch an operation",
    description:
      "Server-sent events: what has happened so far, then each thing as it happens: `state`, `attempt` (starts and cancels), `blocked`, `progress`, and `outcome`, after which the stream ends. With the `Last-Event-ID` of any event, any gateway of the mesh goes on after it: states, attempts and the outcome without a gap and without a repeat, of progress and of what blocks it the latest. A stream also ends when its gateway shuts down (come again), and when its token is revoked or expires.",
    tags: ["operations"],
    params: pathOf({ operationId: uuid }),
    headers: {
      type: "object",
      properties: {
        "last-event-id": {
          type: "string",
          description: "The id of the last event that was read; an EventSource sends it by itself.",
        },
      },
    },
    response: {
      200: {
        description:
          '`text/event-stream`, a comment each 15 s. One event: `id: v1.60718293.3.0.0.1x2y3z.0.0`, `event: state`, `data: {"state":"started","at":null,"worker":"reports-7f9c/4711"}`, and an empty line.',
        content: { "text/event-stream": { schema: { $ref: "WatchEvent#" } } },
      },
      204: noContent("Everything was told: an EventSource does not come again."),
      ...problems("OPERATION_NOT_FOUND", "INVALID_CURSOR", "DRAINING"),
    },
  },
} as const;
