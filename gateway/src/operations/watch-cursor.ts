import { states, type State } from "./lifecycle.ts";

/**
 * How far a watcher has been told of an operation. It travels with each event and comes back as `Last-Event-ID`, to
 * whichever gateway: nothing is kept of it anywhere.
 */
export interface WatchCursor {
  /** The state told last. `failing`: a failed attempt was told, and what it led to was not yet. null: nothing was told. */
  readonly state: State | "failing" | null;
  /** The highest numbers of the attempts that were told. */
  readonly starts: number;
  readonly cancels: number;
  /** Fingerprints of what else was told last; 0: nothing. */
  readonly worker: number;
  readonly progress: number;
  readonly blocked: number;
}

export const beginning: WatchCursor = {
  state: null,
  starts: 0,
  cancels: 0,
  worker: 0,
  progress: 0,
  blocked: 0,
};

const version = "v1";
const failing = 9;
const numbers = Object.entries(states) as [State, number][];
const pattern = /^v1\.([0-9a-f]{8})((?:\.(?:0|[1-9a-z][0-9a-z]{0,8})){6})$/;

export function formatCursor(operationId: string, cursor: WatchCursor): string {
  const { state, starts, cancels, worker, progress, blocked } = cursor;
  if (state === null) throw new Error("a cursor is of something that was told");
  const code = state === "failing" ? failing : states[state];
  const parts = [code, starts, cancels, worker, progress, blocked].map((part) => part.toString(36));
  return [version, tail(operationId), ...parts].join(".");
}

/** undefined: not one that {@link formatCursor} made for this operation. */
export function parseCursor(operationId: string, text: string): WatchCursor | undefined {
  const [, of, rest] = pattern.exec(text) ?? [];
  if (rest === undefined || of !== tail(operationId)) return undefined;
  const [code, starts, cancels, worker, progress, blocked] = rest
    .slice(1)
    .split(".")
    .map((part) => parseInt(part, 36));
  const state = code === failing ? "failing" : numbers.find(([, number]) => number === code)?.[0];
  if (
    state === undefined ||
    !isCount(starts) ||
    !isCount(cancels) ||
    !isFingerprint(worker) ||
    !isFingerprint(progress) ||
    !isFingerprint(blocked)
  )
    return undefined;
  return { state, starts, cancels, worker, progress, blocked };
}

/** FNV-1a: tells that something is another than before, and keeps nothing of it. Never 0. */
export function fingerprint(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0 || 1;
}

/** A cursor of another operation would skip what its own one never told. */
function tail(operationId: string): string {
  return operationId.slice(-8);
}

/** As Postgres holds it. */
function isCount(value: number | undefined): value is number {
  return value !== undefined && value < 2 ** 31;
}

function isFingerprint(value: number | undefined): value is number {
  return value !== undefined && value < 2 ** 32;
}
