/** SQLSTATE, or the system's code of a socket error. */
function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Says nothing about the rows: the same statement may succeed later. */
const unavailableCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
  "57014", // statement_timeout
  "55P03", // lock_timeout
  "25P03", // idle_in_transaction_session_timeout
  "25006", // a standby, in the middle of a failover
]);

/** What pg says without a code. */
const unavailableMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== "") return unavailableCodes.has(code) || /^08...$/.test(code);
  return error instanceof Error && unavailableMessages.test(error.message);
}

/** A row's own fault: the batch is split until only that row's caller sees it. */
export function isDataError(error: unknown): boolean {
  return /^(22|23)...$/.test(codeOf(error));
}

/** Deadlock or serialization failure: nothing was written, nobody is at fault. */
export function isTransient(error: unknown): boolean {
  return ["40P01", "40001"].includes(codeOf(error));
}
