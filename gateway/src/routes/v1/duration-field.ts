import { formatDuration, parseDuration } from "@nexus-mesh/sdk/protocol/duration";
import { ApiError } from "../../api-error.ts";

export interface Bounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A duration of a body or query, checked against its bounds. */
export function readDuration(pointer: string, text: string, { minMs, maxMs }: Bounds): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw invalid(pointer, text, "duration", "must be a number with its unit: ms, s or m");
  }
  if (ms < minMs || ms > maxMs) {
    const detail = `must lie between ${writeDuration(minMs)} and ${writeDuration(maxMs)}`;
    throw invalid(pointer, text, "range", detail);
  }
  return ms;
}

/** Whole seconds where they say it exactly: `86400s`. */
export function writeDuration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : formatDuration(ms);
}

function invalid(pointer: string, text: string, rule: string, detail: string): ApiError {
  return new ApiError("INVALID_TIMEOUT", `${pointer}: ${JSON.stringify(text)} ${detail}`, {
    hint: "Write a number and a unit: 500ms, 30s or 1.5m",
    violations: [{ pointer, rule, detail }],
  });
}
