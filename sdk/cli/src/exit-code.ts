/** What scripts can rely on; the README prints this table. */
export const exitCodes = {
  ok: { code: 0, meaning: "done; of --wait and watch: the operation succeeded" },
  failure: { code: 1, meaning: "anything else went wrong; of apply: the file is wrong" },
  usage: {
    code: 2,
    meaning: "the command line or the input is wrong; of apply --dry-run: something would change",
  },
  operationFailed: { code: 3, meaning: "the operation failed, timed out or was terminated" },
  operationCanceled: { code: 4, meaning: "the operation was canceled" },
  stillRunning: {
    code: 5,
    meaning: "the wait ended before the operation did: --wait-timeout, or Ctrl-C",
  },
  notAllowed: {
    code: 6,
    meaning: "no valid token, no grant, or not the role (401, 403); of can-i: no",
  },
  notFound: { code: 7, meaning: "there is no such thing (404)" },
  conflict: { code: 8, meaning: "another version, an existing name, something in use (409, 412)" },
  unavailable: { code: 9, meaning: "the gateway can't be reached or is overloaded; try again" },
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]["code"];

/** Of an operation that has ended. */
export function exitCodeOfState(state: string): ExitCode {
  if (state === "succeeded") return exitCodes.ok.code;
  return state === "canceled" ? exitCodes.operationCanceled.code : exitCodes.operationFailed.code;
}

export function exitCodeOfStatus(status: number): ExitCode {
  if (status === 400 || status === 413) return exitCodes.usage.code;
  if (status === 401 || status === 403) return exitCodes.notAllowed.code;
  if (status === 404) return exitCodes.notFound.code;
  if (status === 409 || status === 412) return exitCodes.conflict.code;
  // Of the gateway, or of what stands in front of it.
  if ([408, 429, 502, 503, 504, 520].includes(status)) return exitCodes.unavailable.code;
  return exitCodes.failure.code;
}
