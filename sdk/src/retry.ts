import { setTimeout as delay } from "node:timers/promises";
import type { HttpReply } from "./http-exchange.ts";
import { parseRetryAfter } from "./protocol/retry-after.ts";

export interface RetryOptions {
  /** Tries in all; 1 = no retry. Default 5. */
  readonly attempts?: number | undefined;
  /** First delay in ms; doubled each time, jittered. Default 100. */
  readonly firstDelayMs?: number | undefined;
  /** Longest delay in ms. Default 5,000. A `Retry-After` may ask for more, up to a minute. */
  readonly maxDelayMs?: number | undefined;
}

/** What ends the tries before they are used up. */
export interface RetryLimits {
  readonly signal?: AbortSignal | undefined;
  /** Monotonic ms: a try that could only begin later is not made. */
  readonly endsAt?: number | undefined;
}

export const defaultAttempts = 5;

type Outcome<T> = { readonly result: T } | { readonly error: unknown };

/** Whoever asks for more gets no further try, rather than one that comes too early or a call that sleeps for an hour. */
const longestAskedMs = 60_000;

/**
 * `again` says whether a result or an error is worth another try: false, or the least delay in ms before it. The last one
 * is returned or thrown as it is.
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  again: (outcome: Outcome<T>) => false | number,
  options: RetryOptions = {},
  { signal, endsAt = Infinity }: RetryLimits = {},
): Promise<T> {
  const { attempts = defaultAttempts } = options;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await settled(work());
    const asked = attempt >= attempts || signal?.aborted === true ? false : again(outcome);
    const waitMs = Math.max(backoffMs(attempt, options), asked === false ? 0 : asked);
    if (asked === false || asked > longestAskedMs || performance.now() + waitMs >= endsAt) {
      if ("error" in outcome) throw outcome.error;
      return outcome.result;
    }
    await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Before the try that follows so many failures: doubled with each, the half of it jittered. */
export function backoffMs(
  failures: number,
  { firstDelayMs = 100, maxDelayMs = 5_000 }: RetryOptions,
): number {
  const full = Math.min(firstDelayMs * 2 ** (failures - 1), maxDelayMs);
  return full / 2 + (full / 2) * Math.random();
}

/** The delay that a retryable answer asks for; 0 where it asks for none. */
export function askedDelay(reply: HttpReply): number {
  return parseRetryAfter(reply.headers["retry-after"], Date.now()) ?? 0;
}

async function settled<T>(work: Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await work };
  } catch (error) {
    return { error };
  }
}
