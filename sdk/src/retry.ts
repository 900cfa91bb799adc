import { setTimeout as delay } from "node:timers/promises";

export interface RetryOptions {
  /** Tries in all; 1 = no retry. Default 5. */
  readonly attempts?: number | undefined;
  /** First delay in ms; doubled each time, jittered. Default 100. */
  readonly firstDelayMs?: number | undefined;
  /** Longest delay in ms. Default 5,000. */
  readonly maxDelayMs?: number | undefined;
}

/** `again` says whether a result or an error is worth another try; the last one is returned or thrown as it is. */
export async function withRetries<T>(
  work: (attempt: number) => Promise<T>,
  again: (outcome: { readonly result: T } | { readonly error: unknown }) => boolean,
  options: RetryOptions = {},
  signal?: AbortSignal,
): Promise<T> {
  const { attempts = 5, firstDelayMs = 100, maxDelayMs = 5_000 } = options;
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= attempts;
    try {
      const result = await work(attempt);
      if (last || !again({ result })) return result;
    } catch (error) {
      if (last || signal?.aborted === true || !again({ error })) throw error;
    }
    const full = Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs);
    await delay(
      full / 2 + (full / 2) * Math.random(),
      undefined,
      signal === undefined ? {} : { signal },
    );
  }
}
