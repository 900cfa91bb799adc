import type { EndpointPolicy } from "@nexus-mesh/registry/registry";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { parseDuration } from "@nexus-mesh/sdk/protocol/duration";
import { ApiError } from "../api-error.ts";

type RequestHeaders = Readonly<Record<string, string>>;

/** Epoch ms; null = none. */
export interface Deadlines {
  readonly closeBy: number | null;
  readonly startBy: number | null;
  readonly startToCloseMs: number | null;
}

export function operationDeadlines(
  headers: RequestHeaders,
  policy: EndpointPolicy,
  now: number,
): Deadlines {
  const scheduleToClose = durationHeader(headers, headerNames.operationTimeout);
  const scheduleToStart = durationHeader(headers, headerNames.scheduleToStart);
  const startToClose = durationHeader(headers, headerNames.startToClose);
  const total = scheduleToClose ?? policy.scheduleToCloseMs;
  return {
    closeBy: total === null ? null : now + total,
    startBy: scheduleToStart === null ? null : now + scheduleToStart,
    startToCloseMs: startToClose,
  };
}

/** null: absent, empty or `0s`, which all mean "no deadline" (protocol.md 1.6). */
export function durationHeader(headers: RequestHeaders, name: string): number | null {
  const text = headers[name];
  if (text === undefined || text === "") return null;
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new ApiError("INVALID_TIMEOUT", `${name}: ${JSON.stringify(text)} is not a duration`, {
      hint: "Write a number and a unit: 500ms, 30s or 1.5m",
      violations: [
        {
          pointer: `header:${name}`,
          rule: "duration",
          detail: String.raw`must match ^(\d+(?:\.\d+)?)(ms|s|m)$`,
        },
      ],
    });
  }
  return ms === 0 ? null : ms;
}
