import type { Clock } from "../clock.ts";
import type { Store } from "../store/store.ts";
import type { CallerBacklog } from "../store/task.ts";

/** What waits in each of these queues, of whom. */
export type QueueBacklog = (
  queueIds: readonly number[],
) => Promise<ReadonlyMap<number, readonly CallerBacklog[]>>;

/** Counting so many takes a few ms of Postgres. */
const longLine = 10_000;
const keptMs = 5_000;

/**
 * A count of a long queue (100,000 tasks take about 20 ms) is kept for a while, and who asks while it is under way waits
 * for the same: whoever scrapes or asks however often costs Postgres little. Short queues are counted anew each time.
 */
export function createQueueBacklog(
  store: Pick<Store, "backlog">,
  clock: Pick<Clock, "monotonic">,
): QueueBacklog {
  const kept = new Map<number, { until: number; count: Promise<readonly CallerBacklog[]> }>();

  return async (queueIds) => {
    const now = clock.monotonic();
    for (const [id, { until }] of kept) if (until <= now) kept.delete(id);
    const missing = queueIds.filter((id) => !kept.has(id));
    if (missing.length > 0) {
      const counting = store.backlog(missing);
      for (const id of missing) {
        const count = counting.then((lines) => lines.filter(({ queueId }) => queueId === id));
        const entry = { until: Infinity, count };
        kept.set(id, entry);
        count.then(
          (lines) => {
            if (lines.reduce((sum, { depth }) => sum + depth, 0) < longLine) kept.delete(id);
            else entry.until = clock.monotonic() + keptMs;
          },
          // Who asked hears of it.
          () => kept.delete(id),
        );
      }
    }
    // All of them before the first answer, for a short one is forgotten with it.
    const counts = queueIds.map(async (id) => [id, (await kept.get(id)?.count) ?? []] as const);
    return new Map(await Promise.all(counts));
  };
}
