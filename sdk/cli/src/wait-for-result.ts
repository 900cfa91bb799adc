import type { AdminReply } from "@nexus-mesh/sdk/admin";
import { exitCodes } from "./exit-code.ts";
import type { Session } from "./session.ts";

const pollMs = 5_000;

/**
 * Waits by long polls, with time and state on stderr; prints the result's bytes as they are on stdout. Returns the exit
 * code.
 */
export async function waitForResult(
  session: Session,
  operationId: string,
  timeoutMs: number,
): Promise<number> {
  const { admin, terminal } = session;
  const from = performance.now();
  let state = "";
  for (;;) {
    const left = timeoutMs - (performance.now() - from);
    const wait = `${Math.max(0, Math.min(pollMs, Math.ceil(left)))}ms`;
    const reply = await admin.callRaw("getOperationResult", {
      path: { operationId },
      query: { wait },
    });
    if (reply.status !== 202) {
      if (terminal.progressInPlace && state !== "") terminal.stderr("\n");
      return showResult(session, operationId, reply);
    }
    const operation = await admin.call("getOperation", { path: { operationId } });
    progress(operation);
    if (left <= 0) {
      terminal.stderr(
        `\noperation ${operationId} is still ${operation.state}; nexus-mesh operation result ${operationId} --wait goes on waiting\n`,
      );
      return exitCodes.stillRunning.code;
    }
  }

  function progress(operation: AdminReply<"getOperation">): void {
    const line = `${Math.round((performance.now() - from) / 1_000)} s  ${operation.state}${operation.attempts === null ? "" : `, attempts: ${operation.attempts}`}`;
    if (terminal.progressInPlace) terminal.stderr(`\r${line.padEnd(50)}`);
    else if (operation.state !== state) terminal.stderr(`${line}\n`);
    state = operation.state;
  }
}

/** Result bytes go out untouched: they may be anything. */
export async function showResult(
  session: Session,
  operationId: string,
  reply: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
): Promise<number> {
  const { admin, terminal } = session;
  if (reply.status === 200) {
    terminal.stdout(reply.body);
    // Text that a person reads ends its line; other bytes are a file's.
    if (isText(reply.headers["content-type"]) && reply.body.length > 0 && reply.body.at(-1) !== 10)
      terminal.stdout("\n");
    return exitCodes.ok.code;
  }
  if (reply.status === 202) {
    terminal.stderr(`operation ${operationId} has not ended yet\n`);
    return exitCodes.stillRunning.code;
  }
  const { state } = await admin.call("getOperation", { path: { operationId } });
  terminal.stderr(`operation ${operationId} ended: ${state}\n${reply.body.toString()}\n`);
  return state === "canceled" ? exitCodes.operationCanceled.code : exitCodes.operationFailed.code;
}

function isText(contentType: string | undefined): boolean {
  return /^(text\/|application\/json\b)/.test(contentType ?? "");
}
