import type { GatewayContext } from "../gateway-context.ts";
import type { OperationSnapshot } from "../store/watched.ts";

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
  version: number;
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
 * one more over what has changed and is followed.
 */
export function createWatches(
  context: Pick<GatewayContext, "store" | "metrics" | "log" | "clock">,
): Watches {
  const { clock, log, metrics, store } = context;
  const entries = new Map<string, Entry>();
  /** Ids whose followers have not seen them as they are. */
  const due = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;
  let lookAt = 0;
  let turning = false;
  let failed = false;
  let closed = false;

  function schedule(): void {
    if (turning || closed || entries.size === 0) return;
    const now = clock.monotonic();
    const soon = due.size > 0 && !failed ? now + gatherMs : Infinity;
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
    for (const { id, version, ended } of await store.changes([...entries.values()])) {
      const entry = entries.get(id);
      if (entry === undefined) continue;
      if (ended) for (const resolve of entry.waiting) resolve(true);
      if (entry.followers.size > 0) due.add(id);
      else entry.version = version;
    }
  }

  async function show(): Promise<void> {
    const ids = [...due];
    for (let from = 0; from < ids.length; from += snapshotsAtOnce) {
      const some = ids.slice(from, from + snapshotsAtOnce);
      const read = some.flatMap((id) => entries.get(id) ?? []);
      // What comes in meanwhile is read again.
      for (const id of some) due.delete(id);
      try {
        const snapshots = await store.snapshots(
          read.map((entry) => ({ ...entry, ...known(entry) })),
        );
        const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
        for (const entry of read) showTo(entry, byId.get(entry.id));
      } catch (error) {
        for (const id of some) due.add(id);
        throw error;
      }
    }
  }

  function known({ followers }: Entry): { starts: number; cancels: number } {
    const all = [...followers].map((follower) => follower.known);
    return {
      starts: Math.min(...all.map(({ starts }) => starts)),
      cancels: Math.min(...all.map(({ cancels }) => cancels)),
    };
  }

  function showTo(entry: Entry, snapshot: OperationSnapshot | undefined): void {
    entry.version = snapshot?.version ?? 0;
    for (const follower of entry.followers) {
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
      version: 0,
      waiting: new Set<() => void>(),
      followers: new Set<Follower>(),
    };
    entries.set(id, entry);
    return entry;
  }

  function leave(entry: Entry): void {
    if (entry.waiting.size + entry.followers.size > 0 || entries.get(entry.id) !== entry) return;
    entries.delete(entry.id);
    due.delete(entry.id);
  }

  function ask(id: string): void {
    due.add(id);
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
        metrics.waiters.inc();
        schedule();
      });
    },

    follow(ref, follower) {
      const entry = entryOf(ref);
      entry.followers.add(follower);
      ask(ref.id);
      return {
        again() {
          if (entry.followers.has(follower)) ask(ref.id);
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
      if (entry.followers.size > 0) ask(id);
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
