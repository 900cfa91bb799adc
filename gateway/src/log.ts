import { pino, type Logger } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on stdout. Secrets are left out here too, in case a caller hands in more than it should. */
export function createLog(level: LogLevel): Logger {
  return pino({
    level,
    base: { pid: process.pid },
    redact: {
      paths: ["headers", "*.headers", "authorization", "*.authorization", "token", "*.token"],
      censor: "[redacted]",
    },
    serializers: { err: describeError },
  });
}

/** Only what is known to hold no data: Postgres puts row values into `detail` and `where`. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    ...("code" in error ? { code: error.code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}
