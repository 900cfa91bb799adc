import { setTimeout as delay } from "node:timers/promises";
import { ConnectionFailed, type HttpReply } from "../http-exchange.ts";
import { decodeErrorResponse } from "../protocol/failure-response.ts";
import { askedDelay, backoffMs, defaultAttempts, type RetryOptions } from "../retry.ts";

/** What a wait met instead of an answer about its operation. */
export interface Interruption {
  /** Thrown when no further try may follow. */
  readonly error: Error;
  /** At least so many ms before the next try. */
  readonly askedMs: number;
  /** The gateway is there and fails itself (500): it may do so each time, so the tries are counted. */
  readonly counted?: boolean;
}

/** The pauses of a wait that lasts as long as its operation, whatever becomes of gateways and connections meanwhile. */
export interface Reconnects {
  /** Resolves when it is time for the next try. @throws the interruption's error, or the signal's reason. */
  after(interruption: Interruption): Promise<void>;
  /** An answer came: the next interruption is the first again. */
  reset(): void;
}

/** A balancer that asks for a day knows nothing of the gateway that is back in a minute. */
const longestAskedMs = 60_000;

export function createReconnects(
  retry: RetryOptions = {},
  limits: {
    readonly signal?: AbortSignal | undefined;
    /** Monotonic ms: a try that could only begin later is not made. */
    readonly endsAt?: number;
    readonly onInterrupted?: ((error: Error, retryInMs: number) => void) | undefined;
  } = {},
): Reconnects {
  const { signal, endsAt = Infinity, onInterrupted } = limits;
  let failures = 0;
  let counted = 0;
  return {
    reset() {
      failures = 0;
      counted = 0;
    },
    async after(interruption) {
      failures += 1;
      counted = interruption.counted === true ? counted + 1 : 0;
      if (counted >= (retry.attempts ?? defaultAttempts)) throw interruption.error;
      const askedMs = Math.min(interruption.askedMs, longestAskedMs);
      const waitMs = Math.max(backoffMs(failures, retry), askedMs);
      if (performance.now() + waitMs >= endsAt) throw interruption.error;
      onInterrupted?.(interruption.error, waitMs);
      await pause(waitMs, signal);
    },
  };
}

/** @throws the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    // Timers hold no more: who asks for 25 days is asked again then.
    await delay(Math.min(ms, 2 ** 31 - 1), undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error;
  }
}

/** 408, 425, 429, the 5xx of overload, drain and balancers: whoever is asked next may know more. */
const passing = [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524];

/** Undefined: a final answer. */
export function interruptionIn(
  reply: HttpReply,
  refusal: (reply: HttpReply) => Error,
): Interruption | undefined {
  const counted = reply.status === 500;
  if (!counted && !passing.includes(reply.status)) return undefined;
  const decoded = decodeErrorResponse(reply);
  if (decoded.kind === "operation-error" || !decoded.retryable) return undefined;
  return { error: refusal(reply), askedMs: askedDelay(reply), counted };
}

/** @throws what is no connection's failure. */
export function interruptionBy(error: unknown): Interruption {
  if (error instanceof ConnectionFailed) return { error, askedMs: 0 };
  throw error;
}
