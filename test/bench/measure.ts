import type { Child } from "./child.ts";
import type { LoadResult } from "./load.ts";

export async function measured<T>(
  subject: Child,
  run: () => Promise<T>,
): Promise<{ result: T; cpu: number }> {
  const before = await subject.cpu();
  const result = await run();
  return { result, cpu: (await subject.cpu()) - before };
}

export function rate(result: LoadResult): string {
  return `${result.perSecond.toFixed(0).padStart(6)}/s  p50 ${result.p50.toFixed(2)} ms  p99 ${result.p99.toFixed(2)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
