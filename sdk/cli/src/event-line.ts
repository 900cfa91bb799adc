import type {
  AttemptEvent,
  BlockedEvent,
  OperationEvent,
  ProgressEvent,
} from "@nexus-mesh/sdk/admin";
import { printable } from "./printable.ts";

/** One event as a line: when, what kind, and what. */
export function eventLine(event: OperationEvent, now: Date): string {
  const time = timeOf(event, now);
  return `${time.padEnd(24)}  ${event.type.padEnd(8)}  ${eventText(event)}`;
}

function eventText(event: OperationEvent): string {
  switch (event.type) {
    case "state":
      return printable(event.worker === null ? event.state : `${event.state} by ${event.worker}`);
    case "attempt":
      return attemptText(event);
    case "blocked":
      return blockedText(event, event.until === null ? "" : ` at ${event.until}`);
    case "progress":
      return progressText(event);
    case "outcome":
      return withMessage(event.state, event.message);
  }
}

/** `when` says when the next try is: a time in a log, what is left of it on a live line. */
export function blockedText({ reason, message }: BlockedEvent, when: string): string {
  switch (reason) {
    case "backing_off":
      return withMessage(`next try${when}`, message);
    case "parked":
      return withMessage("parked", message);
    case "waiting_for_worker":
      return message === null ? "waits for a worker" : printable(message);
    case null:
      return "goes on";
  }
}

export function progressText({ step, of, message }: ProgressEvent): string {
  const count = step === null ? "" : of === null ? `step ${step}` : `${step}/${of}`;
  const said = message === null ? "" : printable(message);
  return [count, said].filter((part) => part !== "").join("  ");
}

function attemptText({ kind, n, status, durationMs, error }: AttemptEvent): string {
  const answer = status === null ? "no answer" : String(status);
  return withMessage(`${kind} ${n}: ${answer} after ${durationMs} ms`, error);
}

function withMessage(text: string, message: string | null): string {
  return message === null ? text : `${text}: ${printable(message)}`;
}

/** Of what is true now, and was told without a time, the time when it was told. */
function timeOf(event: OperationEvent, now: Date): string {
  switch (event.type) {
    case "blocked":
      return now.toISOString();
    case "outcome":
      return event.closedAt;
    case "state":
    case "attempt":
    case "progress":
      return event.at ?? "-";
  }
}
