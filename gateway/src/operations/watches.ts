import type { GatewayContext } from "../gateway-context.ts";
import { isTerminal } from "./lifecycle.ts";
import { VersionTable } from "../store/version-table.ts";
import type { OperationSnapshot, SnapshotOf } from "../store/watched.ts";

interface Ref {
  readonly key: string;
  readonly id: string;
}

export interface Follower {
  /** The highest numbers of attempts that it knows: earlier ones need not be read for it. */
  readonly known: { readonly starts: number; readonly cancels: number };
  /** undefined: the operation is forgotten. */
  see(snapshot: OperationSnapshot | undefined): void;
  /** This gateway shuts down. */
  close(): void;
}

export interface Follow {
  /** Shows it as it is now, changed or not. */
  again(): void;
  stop(): void;
}

/** Who waits for an operation's end here, and who follows it. */
export interface Watches {
  /** Resolves true once it is terminal, false when the time or the signal ended first. */
  wait(ref: Ref, ms: number, signal: AbortSignal): Promise<boolean>;
  follow(ref: Ref, follower: Follower): Follow;
  /** It was settled in this process: nobody needs to wait for the next look. */
  ended(id: string): void;
  /** Answers every waiter with "not yet", and closes every follower. */
  close(): void;
}

interface Entry extends Ref {
  readonly waiting: Set<(ended: boolean) => void>;
  readonly followers: Set<Follower>;
}

const lookEveryMs = 100;
/** What is asked for within this time is read at once. */
const gatherMs = 10;
/** An outcome's failure may have 64 KiB. */
const snapshotsAtOnce = 500;

/**
 * One query per gateway and 100 ms over everything that is watched here, however many watch (architecture.md, Scale), and
 * one more over what has changed or is new.
 */
export function createWatches(
  context: Pick<GatewayContext, "store" | "metrics" | "log" | "clock">,
): Watches {
  const { clock, log, metrics, store } = context;
  const entries = new Map<string, Entry>();
  const versions = new VersionTable<Entry>();
  /** Those whose version of now is not known. */
  const due = new Set<Entry>();
  let urgent = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;
  let lookAt = 0;
  let turning = false;
  let failed = false;
  let closed = false;

  function schedule(): void {
    if (turning || closed || entries.size === 0) return;
    const now = clock.monotonic();
    const soon = urgent && !failed ? now + gatherMs : Infinity;
    const at = Math.max(now, Math.min(lookAt, soon));
    if (timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => void turn(), at - now);
  }

  /** Never two at a time: the next look comes 100 ms after this one began, or at once when it took longer. */
  async function turn(): Promise<void> {
    timerAt = Infinity;
    turning = true;
    try {
      if (clock.monotonic() >= lookAt) {
        lookAt = clock.monotonic() + lookEveryMs;
        await look();
      }
      await show();
      failed = false;
    } catch (error) {
      // The next look asks again; a waiter's own time bounds how long it stays.
      failed = true;
      log.warn({ err: error }, "watched operations could not be looked up");
    } finally {
      turning = false;
      schedule();
    }
  }

  async function look(): Promise<void> {
    const owners = versions.owners();
    if (owners.length === 0) return;
    for (const at of await store.outdated(versions.arrays())) {
      const entry = owners[at];
      if (entry === undefined || !isWatched(entry)) continue;
      versions.delete(entry);
      due.add(entry);
    }
  }

  async function show(): Promise<void> {
    const entriesDue = [...due];
    urgent = false;
    for (let from = 0; from < entriesDue.length; from += snapshotsAtOnce) {
      const some = entriesDue.slice(from, from + snapshotsAtOnce).filter(isWatched);
      // Whoever asks meanwhile is shown it anew: this one leaves out what those of now know, or need not know.
      for (const entry of some) due.delete(entry);
      const askers = new Map(some.map((entry) => [entry, [...entry.followers]]));
      try {
        const snapshots = await store.snapshots(some.map(snapshotFor));
        const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
        for (const [entry, followers] of askers)
          if (isWatched(entry)) showTo(entry, followers, byId.get(entry.id));
      } catch (error) {
        for (const entry of some) if (isWatched(entry)) due.add(entry);
        throw error;
      }
    }
  }

  function isWatched(entry: Entry): boolean {
    return entries.get(entry.id) === entry;
  }

  function showTo(
    entry: Entry,
    followers: readonly Follower[],
    snapshot: OperationSnapshot | undefined,
  ): void {
    if (snapshot === undefined || snapshot.version === null) versions.delete(entry);
    else versions.set(entry, snapshot.version);
    if (snapshot === undefined || isTerminal(snapshot.state))
      for (const resolve of entry.waiting) resolve(true);
    for (const follower of followers) {
      if (!entry.followers.has(follower)) continue;
      try {
        follower.see(snapshot);
      } catch (error) {
        log.error({ err: error, operationId: entry.id }, "a watcher could not be told");
        follower.close();
      }
    }
  }

  function entryOf({ key, id }: Ref): Entry {
    const known = entries.get(id);
    if (known !== undefined) return known;
    const entry = {
      key,
      id,
      waiting: new Set<() => void>(),
      followers: new Set<Follower>(),
    };
    entries.set(id, entry);
    due.add(entry);
    return entry;
  }

  function leave(entry: Entry): void {
    if (entry.waiting.size + entry.followers.size > 0 || !isWatched(entry)) return;
    entries.delete(entry.id);
    versions.delete(entry);
    due.delete(entry);
  }

  function ask(entry: Entry): void {
    due.add(entry);
    urgent = true;
    schedule();
  }

  return {
    wait(ref, ms, signal) {
      if (closed || ms <= 0 || signal.aborted) return Promise.resolve(false);
      return new Promise<boolean>((resolve) => {
        const entry = entryOf(ref);
        const finish = (ended: boolean): void => {
          clearTimeout(timeout);
          signal.removeEventListener("abort", onAbort);
          entry.waiting.delete(finish);
          leave(entry);
          metrics.waiters.dec();
          resolve(ended);
        };
        const onAbort = (): void => {
          finish(false);
        };
        const timeout = setTimeout(() => {
          finish(false);
        }, ms);
        signal.addEventListener("abort", onAbort, { once: true });
        entry.waiting.add(finish);
        // It may have been shown as ended already to a follower that is slow.
        due.add(entry);
        metrics.waiters.inc();
        schedule();
      });
    },

    follow(ref, follower) {
      const entry = entryOf(ref);
      entry.followers.add(follower);
      ask(entry);
      return {
        again() {
          if (entry.followers.has(follower)) ask(entry);
        },
        stop() {
          entry.followers.delete(follower);
          leave(entry);
        },
      };
    },

    ended(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      for (const resolve of entry.waiting) resolve(true);
      if (entry.followers.size > 0) ask(entry);
    },

    close() {
      closed = true;
      clearTimeout(timer);
      for (const { waiting, followers } of entries.values()) {
        for (const resolve of waiting) resolve(false);
        for (const follower of followers) follower.close();
      }
    },
  };
}

function snapshotFor({ key, id, followers }: Entry): SnapshotOf {
  if (followers.size === 0) return { key, id, known: null };
  const known = [...followers].map((follower) => follower.known);
  const starts = Math.min(...known.map((one) => one.starts));
  const cancels = Math.min(...known.map((one) => one.cancels));
  return { key, id, known: { starts, cancels } };
}
