import type { State } from "../operations/lifecycle.ts";
import type { Attempt } from "./store.ts";

/**
 * Where a version of a head lies and which transaction wrote it. The next update puts the row elsewhere, and no later one
 * can write the same pair.
 */
export interface HeadVersion {
  readonly block: number;
  readonly offset: number;
  readonly xid: number;
}

export interface SnapshotOf {
  readonly key: string;
  readonly id: string;
  /** The highest numbers of attempts that are known already: earlier ones are left out. null: only its state is wanted. */
  readonly known: { readonly starts: number; readonly cancels: number } | null;
}

/** What is told of an operation while it is watched. Without its head (purged) only its end is left. */
export interface OperationSnapshot {
  readonly id: string;
  /** null: its head was purged. */
  readonly version: HeadVersion | null;
  readonly state: State;
  /** How many attempts were begun; null: forgotten. */
  readonly attempt: number | null;
  /** Its next try, deadline or end of a lease; null: none. */
  readonly dueAt: number | null;
  readonly handlerToken: string | null;
  readonly worker: string | null;
  readonly progress: Buffer | null;
  readonly reportedAt: number | null;
  readonly closedAt: number | null;
  /** JSON bytes of how it ended; null too where they are very long. */
  readonly failure: Buffer | null;
  /** A task of its start waits there for a worker. */
  readonly waitsInQueue: number | null;
  /** Starts and cancels, in any order; the last start that was known is among them. */
  readonly attempts: readonly Attempt[];
}
