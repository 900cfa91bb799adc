import { ConnectionFailed, type AdminReply } from "@nexus-mesh/sdk/admin";
import { exitCodeOfState, exitCodes } from "./exit-code.ts";
import { followOperation } from "./follow-operation.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

type State = AdminReply<"getOperation">["state"];

/** Follows the operation on stderr; prints the result's bytes as they are on stdout. Returns the exit code. */
export async function waitForResult(
  session: Session,
  operationId: string,
  timeoutMs: number,
): Promise<number> {
  const { admin, terminal } = session;
  const endsAt = performance.now() + timeoutMs;
  const followed = await followOperation(session, operationId, {
    timeoutMs,
    print: terminal.stderr,
    show: terminal.progressInPlace ? "live" : "lines",
  });
  switch (followed.type) {
    case "outcome": {
      const left = Math.max(0, endsAt - performance.now());
      const reply = await admin.awaitResult(operationId, { timeoutMs: left });
      return showResult(session, operationId, reply, followed.state);
    }
    case "timeout": {
      // It may have ended just now, or long before a short timeout.
      const reply = await admin
        .awaitResult(operationId, { timeoutMs: 0 })
        .catch((error: unknown) => {
          if (error instanceof ConnectionFailed) return undefined;
          throw error;
        });
      if (reply !== undefined && reply.status !== 202)
        return showResult(session, operationId, reply);
      const { state } =
        reply === undefined
          ? followed
          : (JSON.parse(reply.body.toString()) as AdminReply<"getOperation">);
      terminal.stderr(
        `operation ${operationId} is still ${state}; nexus-mesh operation result ${operationId} --wait goes on waiting\n`,
      );
      return exitCodes.stillRunning.code;
    }
    case "interrupt":
      terminal.stderr(
        `operation ${operationId} goes on (${followed.state}); nexus-mesh operation result ${operationId} --wait waits again\n`,
      );
      return exitCodes.stillRunning.code;
  }
}

/** Result bytes go out untouched: they may be anything. */
export async function showResult(
  session: Session,
  operationId: string,
  reply: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
  /** Where it is known already. */
  endState?: State,
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
  const state = endState ?? (await admin.call("getOperation", { path: { operationId } })).state;
  const failure = reply.body.toString();
  terminal.stderr(
    `operation ${operationId} ended: ${state}\n${terminal.progressInPlace ? printable(failure) : failure}\n`,
  );
  return exitCodeOfState(state);
}

function isText(contentType: string | undefined): boolean {
  return /^(text\/|application\/json\b)/.test(contentType ?? "");
}
