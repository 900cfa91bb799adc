import { InvalidArgumentError } from "commander";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `30s`, `5m`, `2h`, `90d` → ms. */
export function durationArgument(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError("write a number and a unit: 500ms, 30s, 5m, 2h or 90d");
  const [, number, unit] = match;
  return Math.trunc(Number(number) * units[unit as keyof typeof units]);
}
