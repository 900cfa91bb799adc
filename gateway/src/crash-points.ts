/** Every place where a crash test kills the process. `test/crash` visits each; the code calls the injected function. */
export const crashPoints = [
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
