import { operation, service } from "nexus-rpc";

export const jobs = service("jobs", {
  /** Answers at once, with who called. */
  echo: operation<string, { text: string; caller: string }>(),
  /** Runs until it is canceled or told to end. */
  long: operation<string, string>(),
  /** Answers `async`; its end is reported by the test. */
  later: operation<string, string>(),
  fail: operation<"failed" | "refused" | "once", string>(),
});
