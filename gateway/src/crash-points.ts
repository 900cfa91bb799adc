/** Where a gateway dies that dispatches to a handler behind a URL. */
const dispatchPoints = [
  "accept:before-commit",
  "accept:after-commit",
  "dispatch:before",
  "dispatch:sent",
  "dispatch:replied",
  "started:written",
  "complete:received",
  "complete:committed",
  "callback:sent",
  "callback:acknowledged",
  "cancel:before-commit",
  "cancel:after-commit",
  "cancel:sent",
  "cancel:acknowledged",
] as const;

/** Where a gateway dies that serves workers of a queue. */
export const queuePoints = [
  // Tasks that wait are leased to a worker that polls; `after`: its poll is not answered.
  "claim:before-commit",
  "claim:after-commit",
  // An accepted start is leased to a worker whose poll waits, in the commit that accepts it.
  "hand-off:before-commit",
  "hand-off:after-commit",
  // `committed`: a report of progress and the lease are written, the worker is not told.
  "heartbeat:received",
  "heartbeat:committed",
  "answer:received",
  "answer:committed",
  // A task goes back to its queue, as one whose lease has ended; `after`: no worker and no other gateway is told.
  "put-down:before-commit",
  "put-down:after-commit",
] as const;

export type QueuePoint = (typeof queuePoints)[number];

/** Every place where a crash test kills the process. `test/crash` visits each; the code calls the injected function. */
export const crashPoints = [...dispatchPoints, ...queuePoints] as const;

export type CrashPoint = (typeof crashPoints)[number];

/** Does nothing in production; in a crash test the child sends itself SIGKILL at the named point. */
export type ReachCrashPoint = (point: CrashPoint) => void;

export const noCrash: ReachCrashPoint = () => undefined;

/** For `onSent` of an exchange: the point after the bytes have left, so that the other side has got them. */
export function crashOnceSent(crash: ReachCrashPoint, point: CrashPoint): (() => void) | undefined {
  if (crash === noCrash) return undefined;
  return () => {
    setImmediate(() => {
      crash(point);
    });
  };
}
