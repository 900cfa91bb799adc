import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { ApiError } from "../api-error.ts";

export const defaultPriority = 3;

/** Temporal's scale: 1 is taken before 5. */
export function taskPriority(headers: Readonly<Record<string, string>>): number {
  const text = headers[headerNames.priority];
  if (text === undefined || text === "") return defaultPriority;
  if (/^[1-5]$/.test(text)) return Number(text);
  throw new ApiError(
    "INVALID_REQUEST",
    `${headerNames.priority}: ${JSON.stringify(text)} is no priority`,
    {
      hint: "Write a whole number from 1 (first) to 5 (last); 3 unless set",
      violations: [
        { pointer: `header:${headerNames.priority}`, rule: "range", detail: "must be 1 to 5" },
      ],
    },
  );
}
