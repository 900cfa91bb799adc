import { parseRetryAfter } from "@nexus-mesh/sdk/protocol/retry-after";

/** Exponential with full upper half jitter: the n-th delay lies in [d/2, d], d = first × 2^(n−1), at most `maxMs`. */
export function backoff(
  attempt: number,
  limits: { firstMs: number; maxMs: number },
  random: () => number,
): number {
  const exponent = Math.min(Math.max(attempt - 1, 0), 40);
  const full = Math.min(limits.firstMs * 2 ** exponent, limits.maxMs);
  return Math.round(full / 2 + (full / 2) * random());
}

/** A `Retry-After`, bounded: a handler can't silence an operation for ever. */
export function retryAfter(
  value: string | undefined,
  now: number,
  maxMs: number,
): number | undefined {
  const ms = parseRetryAfter(value, now);
  return ms === undefined ? undefined : Math.min(ms, maxMs);
}
