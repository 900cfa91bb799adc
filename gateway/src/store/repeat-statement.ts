import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { isConnectionLost, isTransient } from "./postgres-errors.ts";
import { StoreUnavailable } from "./store.ts";

/** Longer than a restart of Postgres, shorter than what a caller waits for. */
const giveUpAfterMs = 5_000;
const firstPauseMs = 20;
const longestPauseMs = 500;
const maxDeadlocks = 10;

/**
 * Sends a statement until Postgres has answered. Whether a lost one was committed is unknown, so it must be safe to
 * repeat: same rows, same ids, guards.
 */
export async function repeatStatement<T>(clock: Clock, send: () => Promise<T>): Promise<T> {
  const from = clock.monotonic();
  let pause = firstPauseMs;
  for (let deadlocks = 0; ;) {
    try {
      return await send();
    } catch (error) {
      if (isTransient(error)) {
        deadlocks += 1;
        if (deadlocks >= maxDeadlocks) throw error;
      } else if (isConnectionLost(error)) {
        if (clock.monotonic() - from + pause > giveUpAfterMs)
          throw new StoreUnavailable("Postgres can't be reached", { cause: error });
      } else {
        throw error;
      }
    }
    await delay(pause * (0.5 + clock.random() / 2));
    pause = Math.min(pause * 2, longestPauseMs);
  }
}
