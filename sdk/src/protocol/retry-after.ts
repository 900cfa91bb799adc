import { parseHttpDate } from "./timestamps.ts";

/** How many ms after `now` a `Retry-After` asks to wait, in seconds or as an HTTP date; undefined: for nothing, or malformed. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const date = parseHttpDate(value);
  return date === undefined || date.getTime() < now ? undefined : date.getTime() - now;
}
