import type { Clock } from "../clock.ts";

/** As a claim wants them: five ids for each caller, null where nothing was taken. */
export interface Fronts {
  readonly callers: readonly number[];
  readonly ids: readonly (string | null)[];
}

export interface TaskFronts {
  of(queueId: number): Fronts;
  /** What a claim took from the beginnings of the lines. Only where it got all it asked for it can be worth a front. */
  passed(
    queueId: number,
    taken: readonly { caller: number; priority: number; id: string }[],
    full: boolean,
  ): void;
  /** The next claim looks from the very beginning. */
  forget(queueId: number): void;
}

interface Queue {
  /** Of the last claim that looked from the very beginning. */
  readonly since: number;
  readonly lines: Map<number, (string | null)[]>;
}

export const priorities = 5;
const noFronts: Fronts = { callers: [], ids: [] };
/** How long a task that came in before a front (it was given back, or its head was locked) may be overlooked. */
const holdMs = 1_000;
/** A claim carries them all. */
const maxCallers = 100;

/**
 * How far each line of a queue (of one caller and priority) was taken here. What was taken leaves dead entries in the
 * index until the next vacuum, and after 50 k of them a claim read 1,200 pages instead of 17 when it began before them.
 * A hint: whatever it hides is found within a second, or at once where nothing else is left.
 */
export function createTaskFronts(clock: Pick<Clock, "monotonic">): TaskFronts {
  const queues = new Map<number, Queue>();

  return {
    of(queueId) {
      const known = queues.get(queueId);
      if (known === undefined) return noFronts;
      if (clock.monotonic() - known.since >= holdMs || known.lines.size > maxCallers) {
        queues.delete(queueId);
        return noFronts;
      }
      return { callers: [...known.lines.keys()], ids: [...known.lines.values()].flat() };
    },

    passed(queueId, taken, full) {
      const known = queues.get(queueId);
      if (known === undefined && !full) return;
      const queue: Queue = known ?? { since: clock.monotonic(), lines: new Map() };
      queues.set(queueId, queue);
      for (const { caller, priority, id } of taken) {
        const line = queue.lines.get(caller) ?? Array<string | null>(priorities).fill(null);
        queue.lines.set(caller, line);
        const before = line[priority - 1] ?? "";
        // Canonical text, which sorts as the ids do.
        if (id > before) line[priority - 1] = id;
      }
    },

    forget(queueId) {
      queues.delete(queueId);
    },
  };
}
