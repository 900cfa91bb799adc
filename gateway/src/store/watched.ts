import type { State } from "../operations/lifecycle.ts";
import type { Attempt } from "./store.ts";

/** The version of a head is the transaction that wrote it; 0: none was seen yet. */
export interface SeenVersion {
  readonly key: string;
  readonly id: string;
  readonly version: number;
}

export interface Change {
  readonly id: string;
  /** 0: its head was purged. */
  readonly version: number;
  readonly ended: boolean;
}

export interface SnapshotOf {
  readonly key: string;
  readonly id: string;
  /** The highest numbers that are known already: earlier attempts are left out. */
  readonly starts: number;
  readonly cancels: number;
}

/** What is told of an operation while it is watched. Without its head (purged) only its end is left. */
export interface OperationSnapshot {
  readonly id: string;
  readonly version: number;
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
