import fc from "fast-check";
import { expect, test } from "vitest";
import {
  beginning,
  formatCursor,
  parseCursor,
  type WatchCursor,
} from "../../gateway/src/operations/watch-cursor.ts";
import {
  eventsAfter,
  type ToldEvent,
  type Watched,
  type WatchEvent,
} from "../../gateway/src/operations/watch-events.ts";
import { histories } from "./history.ts";

/** A connection is cut after so many events, and its client comes again with the last id it has read. */
function watch(history: readonly Watched[], cuts: readonly number[]): WatchEvent[] {
  const told: ToldEvent[] = [];
  let cursor: WatchCursor = beginning;
  let left = cuts[0] ?? Infinity;
  let cut = 0;
  for (const snapshot of history) {
    for (;;) {
      const some = eventsAfter(cursor, snapshot).slice(0, left);
      told.push(...some);
      left -= some.length;
      const last = some.at(-1);
      if (last !== undefined) cursor = throughTheWire(snapshot.id, last.cursor);
      if (left > 0) break;
      left = cuts[(cut += 1)] ?? Infinity;
    }
  }
  return told.map(({ event }) => event);
}

function throughTheWire(id: string, cursor: WatchCursor): WatchCursor {
  const parsed = parseCursor(id, formatCursor(id, cursor));
  if (parsed === undefined) throw new Error("a cursor of ours is not known");
  return parsed;
}

const cutting = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 });
const attemptsAndOutcome = (events: readonly WatchEvent[]) =>
  events.filter(({ kind }) => kind === "attempt" || kind === "outcome");
/** A park that nobody saw is told as a backoff, and the time of a state only where the rows have it. */
const statesOf = (events: readonly WatchEvent[]) =>
  events.flatMap((event) =>
    event.kind === "state" ? [event.state === "parked" ? "backing_off" : event.state] : [],
  );

test("wherever a connection is cut, the same is told, once", () => {
  fc.assert(
    fc.property(histories({ releases: true }), cutting, (history, cuts) => {
      expect(watch(history, cuts)).toEqual(watch(history, []));
    }),
    { numRuns: 500 },
  );
});

test("whatever passed unseen, attempts and the outcome are told, and every state that leaves a trace", () => {
  fc.assert(
    fc.property(
      histories({ releases: false }),
      fc.infiniteStream(fc.boolean()),
      cutting,
      (history, seen, cuts) => {
        const all = watch(history, []);
        const some = watch(
          history.filter((_, at) => at === history.length - 1 || seen.next().value === true),
          cuts,
        );
        expect(attemptsAndOutcome(some)).toEqual(attemptsAndOutcome(all));
        // Only that it was scheduled again for a while is in no row.
        const [told, missed] = [statesOf(some), statesOf(all)];
        for (const state of told) {
          while (missed[0] !== state && missed[0] === "scheduled") missed.shift();
          expect(missed.shift()).toBe(state);
        }
        expect(missed.every((state) => state === "scheduled")).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("that it was tried again is told where an attempt ended it unseen, and not where its last one's late answer did", () => {
  const [accepted] = fc.sample(histories({ releases: false }), 1)[0] ?? [];
  if (accepted === undefined) throw new Error("a history has a beginning");
  const row = { kind: "start", n: 1, at: 1, ms: 1, targetId: 4, status: 503, error: "no" } as const;
  const failed: Watched = { ...accepted, waitsInQueue: null, attempts: [row] };
  const states = (attempt: number): string[] => {
    const ended: Watched = { ...failed, state: "succeeded", attempt, closedAt: 2 };
    return statesOf(watch([{ ...failed, state: "backing_off", attempt: 1 }, ended], []));
  };
  expect(states(2)).toEqual(["scheduled", "backing_off", "scheduled"]);
  expect(states(1)).toEqual(["scheduled", "backing_off"]);
});

test("no state is told twice in a row, and nothing follows the outcome", () => {
  fc.assert(
    fc.property(histories({ releases: true }), (history) => {
      const events = watch(history, []);
      const told = events.filter((event) => event.kind === "state");
      told.forEach((event, at) => {
        const before = told[at - 1];
        if (before?.state === event.state) expect(before.worker).not.toBe(event.worker);
      });
      expect(events.map(({ kind }) => kind).indexOf("outcome")).toBe(events.length - 1);
      expect(watch([...history, ...history.slice(-1)], [])).toEqual(events);
    }),
  );
});

test("a cursor is read back as it was, and nothing else is one", () => {
  const id = "01a0c4d2-b800-7000-8000-0000000000aa";
  const cursor = formatCursor(id, {
    ...beginning,
    state: "started",
    starts: 3,
    worker: 2 ** 32 - 1,
  });
  expect(parseCursor(id, cursor)).toMatchObject({
    state: "started",
    starts: 3,
    worker: 2 ** 32 - 1,
  });
  expect(cursor).toMatch(/^[A-Za-z0-9._-]+$/);
  const others = [
    "",
    "7",
    cursor.slice(0, -2),
    `${cursor}.0`,
    cursor.replace("v1", "v2"),
    cursor.replace(".3.", ".a."),
    cursor.replace(".3.3.", ".3.zzzzzz."),
    cursor.toUpperCase(),
  ];
  for (const other of others) expect(parseCursor(id, other), other).toBeUndefined();
  // Of another operation: it would skip what that one never told.
  expect(parseCursor(id.replace(/aa$/, "bb"), cursor)).toBeUndefined();
});

test("what blocks it is told once, with its reason, and that it is over", () => {
  fc.assert(
    fc.property(histories({ releases: true }), (history) => {
      const told = watch(history, []).flatMap((event) =>
        event.kind === "blocked" ? [event.blocked] : [],
      );
      told.forEach((blocked, at) => {
        expect(blocked).not.toEqual(told[at - 1] ?? null);
      });
      for (const blocked of told) {
        if (blocked?.reason === "backing_off") expect(blocked.message).toMatch(/^error \d/);
        if (blocked?.reason === "parked") expect(blocked.message).toMatch(/redrive.*: error \d/);
        if (blocked?.reason === "waiting_for_worker") expect(blocked.message).toContain("renders");
      }
    }),
  );
});
