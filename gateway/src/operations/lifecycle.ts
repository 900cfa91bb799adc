/** The numbers are stored: they never change meaning. */
export const states = {
  scheduled: 0,
  backing_off: 1,
  parked: 2,
  started: 3,
  succeeded: 4,
  failed: 5,
  canceled: 6,
  timed_out: 7,
  terminated: 8,
} as const;

export type State = keyof typeof states;
export type TerminalState = "succeeded" | "failed" | "canceled" | "timed_out" | "terminated";

export const operationEvents = [
  "attempt_failed",
  "attempts_exhausted",
  "due",
  "redriven",
  "handler_started",
  "worker_took",
  "lease_lost",
  "succeeded",
  "failed",
  "canceled",
  "deadline_passed",
  "terminated",
] as const;
export type OperationEvent = (typeof operationEvents)[number];

/** `ignore`: nothing changes and nobody is wrong. `refuse`: the sender is told that it comes too late. */
export type Next = State | "ignore" | "refuse";

const open = {
  worker_took: "ignore",
  lease_lost: "ignore",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  deadline_passed: "timed_out",
  terminated: "terminated",
} as const;

const closed = {
  attempt_failed: "ignore",
  attempts_exhausted: "ignore",
  due: "ignore",
  redriven: "refuse",
  handler_started: "ignore",
  worker_took: "ignore",
  lease_lost: "ignore",
  succeeded: "refuse",
  failed: "refuse",
  canceled: "refuse",
  deadline_passed: "ignore",
  terminated: "refuse",
} as const;

/** The only place that decides what an event does to an operation; the store's SQL guards are computed from it. */
export const transitions: Readonly<Record<State, Readonly<Record<OperationEvent, Next>>>> = {
  scheduled: {
    attempt_failed: "backing_off",
    attempts_exhausted: "parked",
    due: "ignore",
    redriven: "ignore",
    handler_started: "started",
    ...open,
    worker_took: "started",
  },
  backing_off: {
    attempt_failed: "backing_off",
    attempts_exhausted: "parked",
    due: "scheduled",
    redriven: "scheduled",
    // The late reply of an ambiguous attempt.
    handler_started: "started",
    ...open,
    worker_took: "started",
  },
  parked: {
    attempt_failed: "ignore",
    attempts_exhausted: "ignore",
    due: "ignore",
    redriven: "scheduled",
    handler_started: "started",
    ...open,
  },
  started: {
    attempt_failed: "ignore",
    attempts_exhausted: "ignore",
    due: "ignore",
    redriven: "refuse",
    handler_started: "ignore",
    ...open,
    // Gone, or given back: the worker did not end it.
    lease_lost: "backing_off",
  },
  succeeded: closed,
  failed: closed,
  canceled: closed,
  timed_out: closed,
  terminated: closed,
};

const names = Object.keys(states) as State[];

export function isTerminal(state: State): state is TerminalState {
  return states[state] >= states.succeeded;
}

export function stateName(code: number): State {
  const name = names[code];
  if (name === undefined) throw new Error(`no state has the code ${code}`);
  return name;
}

/** The codes of the states in which the event changes the state: what a SQL guard lists. */
export function statesChangedBy(event: OperationEvent): number[] {
  return names
    .filter(
      (state) =>
        !["ignore", "refuse", state].includes(transitions[state][event]) ||
        transitions[state][event] === state,
    )
    .map((state) => states[state]);
}
