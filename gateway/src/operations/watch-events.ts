import { parseFailure, type Failure } from "@nexus-mesh/sdk/protocol/failure";
import type { Attempt } from "../store/store.ts";
import type { OperationSnapshot } from "../store/watched.ts";
import { uuidV7Time } from "../store/uuid-v7.ts";
import { isTerminal, type State, type TerminalState } from "./lifecycle.ts";
import { fingerprint, type WatchCursor } from "./watch-cursor.ts";

export interface Blocked {
  readonly reason: "backing_off" | "parked" | "waiting_for_worker";
  readonly message: string | null;
  readonly until: number | null;
}

export type WatchEvent =
  | {
      readonly kind: "state";
      readonly state: Exclude<State, TerminalState>;
      readonly at: number | null;
      readonly worker: string | null;
    }
  | { readonly kind: "attempt"; readonly attempt: Attempt }
  /** null: no longer. */
  | { readonly kind: "blocked"; readonly blocked: Blocked | null }
  | { readonly kind: "progress"; readonly progress: Buffer }
  | {
      readonly kind: "outcome";
      readonly state: TerminalState;
      readonly closedAt: number;
      readonly message: string | null;
    };

/** An event, and how far its watcher has been told with it. */
export interface ToldEvent {
  readonly event: WatchEvent;
  readonly cursor: WatchCursor;
}

/** Watched: what a snapshot says, with the names that the registry knows. */
export type Watched = OperationSnapshot & { readonly queueName: string | null };

const maxMessage = 1_000;

/**
 * What a watcher has not been told yet, in order. States that were passed through unseen are told where the rows show
 * them, so that the same is told however often somebody looks, and wherever a watcher's connection is cut.
 */
export function eventsAfter(from: WatchCursor, watched: Watched): ToldEvent[] {
  const told: ToldEvent[] = [];
  let cursor = from;
  const tell = (event: WatchEvent, to: Partial<WatchCursor>): void => {
    cursor = { ...cursor, ...to };
    told.push({ event, cursor });
  };
  const tellState = (
    state: Exclude<State, TerminalState>,
    at: number | null,
    worker: string | null = null,
  ): void => {
    const by = worker === null ? 0 : fingerprint(worker);
    tell({ kind: "state", state, at, worker }, { state, worker: by });
  };

  if (isTold(cursor)) return told;
  if (cursor.state === null) tellState("scheduled", uuidV7Time(watched.id));
  tellFailedStarts();
  const { state } = watched;
  const open = !isTerminal(state);
  if (open && state !== "started" && cursor.state !== state) tellState(state, null);
  if (open ? state === "started" : wasStarted()) tellStarted();
  else if (!open && wasTriedAgain()) tellState("scheduled", null);
  tellCancels();
  if (open) tellBlocked();
  tellProgress();
  if (!open) {
    const { closedAt, failure } = watched;
    if (closedAt === null) throw new Error(`operation ${watched.id} is ${state} since never`);
    tell({ kind: "outcome", state, closedAt, message: messageOf(failure) }, { state });
  }
  return told;

  /** Each start that is in the rows has failed; those of a worker come without a target. */
  function tellFailedStarts(): void {
    for (const attempt of numbered("start")) {
      const { n, at, ms, targetId } = attempt;
      if (n > cursor.starts) {
        if (targetId === null && cursor.state !== "started") tellState("started", null);
        if (targetId !== null && isWaiting()) tellState("scheduled", null);
        tell({ kind: "attempt", attempt }, { state: "failing", starts: n });
      }
      if (cursor.state !== "failing" || n !== cursor.starts) continue;
      // A park that was passed unseen can't be told from a backoff.
      const parked = watched.state === "parked" && attempt === numbered("start").at(-1);
      tellState(parked ? "parked" : "backing_off", at + ms);
    }
  }

  /** One that came after the end belongs to no watcher: its stream is over. */
  function tellCancels(): void {
    const { closedAt } = watched;
    for (const attempt of numbered("cancel")) {
      if (attempt.n > cursor.cancels && (closedAt === null || attempt.at <= closedAt))
        tell({ kind: "attempt", attempt }, { cancels: attempt.n });
    }
  }

  /** By their numbers: the times are of several gateways. */
  function numbered(kind: Attempt["kind"]): Attempt[] {
    return watched.attempts.filter((one) => one.kind === kind).sort((a, b) => a.n - b.n);
  }

  /** Also by another worker than the one that was told. */
  function tellStarted(): void {
    const { worker } = watched;
    if (cursor.state === "started" && (worker === null || cursor.worker === fingerprint(worker)))
      return;
    if (worker === null && isWaiting()) tellState("scheduled", null);
    tellState("started", null, worker);
  }

  /** It has ended; a handler's token, or a worker's attempt that has not failed, is left of its start. */
  function wasStarted(): boolean {
    if (cursor.state === "started") return false;
    return watched.handlerToken !== null || (watched.worker !== null && isBeyondTheFailed());
  }

  /** It has ended by the answer to an attempt. */
  function wasTriedAgain(): boolean {
    return isWaiting() && watched.worker === null && isBeyondTheFailed();
  }

  function isBeyondTheFailed(): boolean {
    return watched.attempt !== null && watched.attempt > cursor.starts;
  }

  function isWaiting(): boolean {
    return cursor.state === "backing_off" || cursor.state === "parked";
  }

  function tellBlocked(): void {
    const blocked = blockedOf(watched);
    const mark = blocked === null ? 0 : fingerprint(JSON.stringify(blocked));
    if (mark !== cursor.blocked) tell({ kind: "blocked", blocked }, { blocked: mark });
  }

  function tellProgress(): void {
    const { progress, reportedAt } = watched;
    if (progress === null) return;
    const mark = fingerprint(String(reportedAt));
    if (mark !== cursor.progress) tell({ kind: "progress", progress }, { progress: mark });
  }
}

export function isTold({ state }: WatchCursor): boolean {
  return state !== null && state !== "failing" && isTerminal(state);
}

/** Why nobody works on it. */
export function blockedOf(
  watched: Pick<Watched, "state" | "dueAt" | "attempts" | "waitsInQueue" | "queueName">,
): Blocked | null {
  const { state, dueAt, attempts, waitsInQueue, queueName } = watched;
  if (waitsInQueue !== null) {
    const where = queueName === null ? "" : ` in queue ${JSON.stringify(queueName)}`;
    const message = `waits${where} for a worker`;
    return { reason: "waiting_for_worker", message, until: null };
  }
  const failed = attempts
    .filter(({ kind }) => kind === "start")
    .reduce<Attempt | undefined>((last, one) => (one.n > (last?.n ?? 0) ? one : last), undefined);
  const error = failed?.error ?? null;
  if (state === "backing_off") return { reason: "backing_off", message: error, until: dueAt };
  if (state !== "parked") return null;
  const tried = failed === undefined ? "" : ` after attempt ${failed.n}`;
  const message = `parked${tried}, a redrive goes on with it${error === null ? "" : `: ${error}`}`;
  return { reason: "parked", message, until: null };
}

/** Of the cause, where the failure only wraps it. */
function messageOf(bytes: Buffer | null): string | null {
  let failure: Failure | null | undefined = bytes === null ? null : parseFailure(bytes);
  while (failure?.metadata?.["unwrap-error"] === "true" && failure.cause) failure = failure.cause;
  return failure?.message?.slice(0, maxMessage) ?? null;
}
