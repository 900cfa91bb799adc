const grammar = /^(\d+(?:\.\d+)?)(ms|s|m)$/;
const unitMs = { ms: 1, s: 1_000, m: 60_000 } as const;

/** Longest duration that survives arithmetic on epoch milliseconds: 100 years. */
const longestMs = 100 * 365 * 86_400_000;

/**
 * Milliseconds of a `Request-Timeout` or `Operation-Timeout` (protocol.md 1.6), truncated as the reference does
 * (`1.001s` is 1000). `0` means "no deadline"; `undefined` means malformed. Huge values are cut to 100 years.
 */
export function parseDuration(text: string): number | undefined {
  const match = grammar.exec(text);
  if (match === null) return undefined;
  const [, number = "", unit = "ms"] = match;
  const ms = Math.trunc(Number(number) * unitMs[unit as keyof typeof unitMs]);
  return Math.min(ms, longestMs);
}

/** Always whole milliseconds: `4999ms`. */
export function formatDuration(ms: number): string {
  return `${Math.max(0, Math.trunc(ms))}ms`;
}
