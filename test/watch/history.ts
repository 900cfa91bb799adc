import fc from "fast-check";
import { isTerminal, type State } from "../../gateway/src/operations/lifecycle.ts";
import type { Watched } from "../../gateway/src/operations/watch-events.ts";

const createdAt = 1_790_000_000_000;
const id = "01a0c4d2-b800-7000-8000-0000000000aa";

const steps = [
  "fail",
  "park",
  "due",
  "redrive",
  "start",
  "claim",
  "lose",
  "release",
  "cancel",
  "report",
] as const;
type Step = (typeof steps)[number];
const ends = ["succeeded", "failed", "canceled", "timed_out", "terminated"] as const;

/** Every snapshot that the rows of one operation pass through, from its creation to its end. */
export function histories(given: { releases: boolean }): fc.Arbitrary<Watched[]> {
  return fc
    .record({
      queued: fc.boolean(),
      steps: fc.array(fc.constantFrom(...steps), { maxLength: 25 }),
      end: fc.constantFrom(...ends),
    })
    .map(({ queued, steps: taken, end }) => {
      const history: Watched[] = [accepted(queued)];
      const last = (): Watched => history.at(-1) ?? accepted(queued);
      for (const step of taken) {
        if (step === "release" && !given.releases) continue;
        const next = after(last(), step, queued, history.length);
        if (next !== undefined) history.push({ ...last(), ...next });
      }
      // What a handler's answer ends was an attempt; an end by time or by hand was none.
      const attempted =
        !queued && last().state !== "started" && (end === "succeeded" || end === "failed");
      history.push({
        ...last(),
        state: attempted && last().state !== "scheduled" ? "terminated" : end,
        attempt: (last().attempt ?? 0) + (attempted && last().state === "scheduled" ? 1 : 0),
        dueAt: null,
        waitsInQueue: null,
        queueName: null,
        closedAt: timeAt(history.length),
        failure: end === "succeeded" ? null : Buffer.from('{"message":"no"}'),
      });
      return history;
    });
}

function accepted(queued: boolean): Watched {
  return {
    id,
    version: null,
    state: "scheduled",
    attempt: 0,
    dueAt: createdAt + 15_000,
    handlerToken: null,
    worker: null,
    progress: null,
    reportedAt: null,
    closedAt: null,
    failure: null,
    waitsInQueue: queued ? 7 : null,
    queueName: queued ? "renders" : null,
    attempts: [],
  };
}

/** The change that a step makes, as the store's statements make it; undefined where the state does not allow it. */
function after(
  now: Watched,
  step: Step,
  queued: boolean,
  turn: number,
): Partial<Watched> | undefined {
  const { state, attempt, attempts, handlerToken } = now;
  const made = attempt ?? 0;
  const row = (kind: "start" | "cancel", n: number, targetId: number | null) => ({
    attempts: [
      ...attempts,
      { kind, n, at: timeAt(turn), ms: 5, targetId, status: null, error: `error ${n}` },
    ],
  });
  const held = state === "started" && handlerToken === null;
  const queue = { waitsInQueue: 7, queueName: "renders" };
  switch (step) {
    case "fail":
    case "park": {
      if (queued || state !== "scheduled") return undefined;
      const to: State = step === "fail" ? "backing_off" : "parked";
      return { state: to, attempt: made + 1, ...row("start", made + 1, 4) };
    }
    case "due":
      return state === "backing_off" && now.waitsInQueue === null
        ? { state: "scheduled", ...(queued ? queue : {}) }
        : undefined;
    case "redrive":
      return state === "parked" ? { state: "scheduled", ...(queued ? queue : {}) } : undefined;
    case "start":
      if (queued ? !held : state !== "scheduled") return undefined;
      return { state: "started", handlerToken: "token", attempt: queued ? made : made + 1 };
    case "claim":
      if (now.waitsInQueue === null) return undefined;
      return {
        state: "started",
        worker: `worker ${turn}`,
        attempt: made + 1,
        waitsInQueue: null,
        queueName: null,
      };
    case "lose":
      return queued && held
        ? {
            state: made > 4 ? "parked" : "backing_off",
            ...(made <= 1 ? queue : {}),
            ...row("start", made, null),
          }
        : undefined;
    case "release":
      return queued && held
        ? { state: "backing_off", attempt: Math.max(0, made - 1), ...queue }
        : undefined;
    case "cancel": {
      if (state !== "started" || handlerToken === null) return undefined;
      return row("cancel", attempts.filter(({ kind }) => kind === "cancel").length + 1, 4);
    }
    case "report":
      return isTerminal(state)
        ? undefined
        : { progress: Buffer.from(`{"step":${turn}}`), reportedAt: timeAt(turn) };
  }
}

function timeAt(turn: number): number {
  return createdAt + turn * 1_000;
}
