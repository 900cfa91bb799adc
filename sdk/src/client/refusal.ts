import { HandlerError, OperationError } from "nexus-rpc";
import type { HttpReply } from "../http-exchange.ts";
import { decodeErrorResponse } from "../protocol/failure-response.ts";
import { failureToError, parseFailure } from "../protocol/failure.ts";

/** Nexus paths answer with a Failure, `/v1` with a problem document; both name the same code. */
export function refusal(reply: HttpReply): Error {
  const type = reply.headers["content-type"] ?? "";
  if (type.startsWith("application/problem+json")) {
    const problem = problemOf(reply.body);
    const decoded = decodeErrorResponse({
      status: reply.status,
      headers: {},
      body: Buffer.alloc(0),
    });
    const message = problem?.detail ?? problem?.title ?? `the gateway answered ${reply.status}`;
    return new HandlerError(
      decoded.kind === "handler-error" ? decoded.error.type : "INTERNAL",
      message,
    );
  }
  if (reply.status === 424) {
    const failure = parseFailure(reply.body);
    const error = failure === undefined ? undefined : failureToError(failure);
    if (error instanceof OperationError || error instanceof HandlerError) return error;
  }
  const decoded = decodeErrorResponse(reply);
  return decoded.kind === "unexpected"
    ? new HandlerError("INTERNAL", `the gateway answered ${reply.status}`)
    : decoded.error;
}

function problemOf(body: Buffer): { title?: string; detail?: string } | null {
  try {
    return JSON.parse(body.toString()) as { title?: string; detail?: string } | null;
  } catch {
    // Something in between cut or rewrote it: its status still tells.
    return null;
  }
}
