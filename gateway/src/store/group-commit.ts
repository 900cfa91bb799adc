import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import { isDataError } from "./postgres-errors.ts";
import { repeatStatement } from "./repeat-statement.ts";

export interface GroupCommit<Item, Result> {
  submit(item: Item): Promise<Result>;
  /** Takes back what waits under this key, with a result; what is already on its way stays. */
  withdraw(key: string, result: Result): void;
  /** Writes at once what is gathered; resolves when nothing is left. */
  flush(): Promise<void>;
}

export interface GroupCommitOptions<Item, Result> {
  readonly statement: string;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "batchRows" | "batchSeconds">;
  readonly keyOf: (item: Item) => string;
  readonly bytesOf: (item: Item) => number;
  /** One statement; results in the order of the items. Repeated with the same items when its fate is unknown. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** A statement that can change a row once only: the second of a key waits for the next batch. */
  readonly onePerKey: boolean;
  /** Not waited for by anyone's request: gathered this long or until so many. */
  readonly gather?: Gather;
}

export interface Gather {
  readonly ms: number;
  readonly rows: number;
  /** Nothing younger is written, since most of it is withdrawn before. */
  readonly minAgeMs?: number;
}

const maxRows = 500;
const maxBytes = 1024 * 1024;
/** Hex inside an array costs twice its size: such a row would make the others of its batch wait. */
const aloneBytes = 64 * 1024;
const maxInFlight = 2;
/** A second statement beside the first pays only when it is well filled. */
const secondRows = 32;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly key: string;
  readonly bytes: number;
  /** Monotonic ms. */
  readonly at: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** While one statement is in flight the next batch gathers. */
export function createGroupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> {
  const { clock, metrics, statement } = options;
  type Entry = Waiting<Item, Result>;
  let queue: Entry[] = [];
  let inFlight = 0;
  let aloneInFlight = 0;
  let scheduled: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let flushing: (() => void)[] = [];
  let flushNow = false;

  return {
    submit(item) {
      return new Promise((resolve, reject) => {
        queue.push({
          item,
          key: options.keyOf(item),
          bytes: options.bytesOf(item),
          at: clock.monotonic(),
          resolve,
          reject,
        });
        wake();
      });
    },
    withdraw(key, result) {
      const at = queue.findIndex((entry) => entry.key === key);
      if (at < 0) return;
      const [entry] = queue.splice(at, 1);
      entry?.resolve(result);
    },
    flush() {
      if (queue.length === 0 && inFlight === 0) return Promise.resolve();
      return new Promise((resolve) => {
        flushing.push(resolve);
        flushNow = true;
        pump();
      });
    },
  };

  function wake(): void {
    if (options.gather !== undefined && !flushNow && ripe() < options.gather.rows) {
      timer ??= setTimeout(() => {
        timer = undefined;
        pump();
      }, options.gather.ms);
      return;
    }
    // What arrives in the same turn of the event loop shares a statement.
    scheduled ??= setImmediate(() => {
      scheduled = undefined;
      pump();
    });
  }

  /** How many from the queue's head on may be written. */
  function ripe(): number {
    const minAgeMs = options.gather?.minAgeMs;
    if (minAgeMs === undefined || flushNow) return queue.length;
    const latest = clock.monotonic() - minAgeMs;
    const young = queue.findIndex((entry) => entry.at > latest);
    return young < 0 ? queue.length : young;
  }

  /** A statement ended with others waiting: what is gathered goes on gathering until its own time has come. */
  function goOn(): void {
    if (options.gather === undefined) pump();
    else wake();
  }

  function pump(): void {
    clearTimeout(timer);
    timer = undefined;
    for (let left = ripe(); left > 0 && mayStart(); left = ripe()) {
      const batch = takeBatch(left);
      inFlight += 1;
      const alone = (batch[0]?.bytes ?? 0) > aloneBytes ? 1 : 0;
      aloneInFlight += alone;
      void send(batch).finally(() => {
        inFlight -= 1;
        aloneInFlight -= alone;
        if (queue.length > 0) goOn();
        else if (inFlight === 0) {
          flushNow = false;
          const done = flushing;
          flushing = [];
          for (const resolve of done) resolve();
        }
      });
    }
    if (queue.length > 0 && inFlight === 0) wake();
  }

  function mayStart(): boolean {
    if (inFlight === 0) return true;
    return inFlight < maxInFlight && (queue.length >= secondRows || aloneInFlight === inFlight);
  }

  /** From the first `ripe` of the queue. */
  function takeBatch(ripe: number): Entry[] {
    const batch: Entry[] = [];
    const left: Entry[] = [];
    const keys = new Set<string>();
    let bytes = 0;
    let full = false;
    for (const [at, entry] of queue.entries()) {
      const fits =
        at < ripe &&
        !full &&
        (batch.length === 0 ||
          (batch.length < maxRows &&
            bytes + entry.bytes <= maxBytes &&
            entry.bytes <= aloneBytes)) &&
        !(options.onePerKey && keys.has(entry.key));
      if (!fits) {
        left.push(entry);
        continue;
      }
      batch.push(entry);
      keys.add(entry.key);
      bytes += entry.bytes;
      full = batch.length >= maxRows || entry.bytes > aloneBytes;
    }
    queue = left;
    // Unsorted batches deadlock each other in half of the rounds.
    return batch.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  async function send(batch: readonly Entry[]): Promise<void> {
    const from = clock.monotonic();
    metrics.batchRows.observe(statement, batch.length);
    try {
      const items = batch.map(({ item }) => item);
      const results = await repeatStatement(clock, () => options.write(items));
      metrics.batchSeconds.observe(statement, (clock.monotonic() - from) / 1_000);
      batch.forEach((entry, at) => {
        const result = results[at];
        if (result === undefined)
          entry.reject(new Error(`${statement} gave no result for ${entry.key}`));
        else entry.resolve(result);
      });
    } catch (error) {
      if (isDataError(error) && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await send(batch.slice(0, half));
        await send(batch.slice(half));
        return;
      }
      for (const entry of batch) entry.reject(error);
    }
  }
}
