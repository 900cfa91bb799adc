import { causeBytes } from "@nexus-mesh/sdk/protocol/failure-bytes";
import { handlerErrors, type HandlerErrorType } from "@nexus-mesh/sdk/protocol/handler-errors";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyReply } from "fastify";
import { headersFromBytes } from "../dispatch/forwarded-headers.ts";
import { wireState } from "../operations/outcome.ts";
import type { OutcomeRow } from "../store/store.ts";
import { sendPayload } from "./payload.ts";

/** A stored outcome as the answer to a start: 200, 424, or the handler's own non-retryable error. */
export function sendOutcome(
  reply: FastifyReply,
  outcome: OutcomeRow,
  failureSupport: boolean,
): FastifyReply {
  // Not in the reference, which has no durable start that can have ended: with it the caller can name the operation.
  reply.header(headerNames.operationToken, outcome.id);
  if (outcome.result !== null) {
    reply.code(200).headers(headersFromBytes(outcome.headers));
    return sendPayload(reply, outcome.result);
  }
  const failure = outcome.failure ?? Buffer.from("{}");
  // Written by this gateway or by a handler, and read back as a Failure once already.
  const parsed = JSON.parse(failure.toString()) as {
    metadata?: Record<string, string>;
    details?: { type?: string };
  };
  const body = failureSupport ? failure : (causeBytes(failure) ?? failure);
  reply.header("content-type", "application/json");
  if (parsed.metadata?.["type"] === "nexus.HandlerError") {
    return reply
      .code(statusOf(parsed.details?.type))
      .header(headerNames.retryable, "false")
      .send(body);
  }
  return reply.code(424).header(headerNames.operationState, wireState(outcome.state)).send(body);
}

function statusOf(type: string | undefined): number {
  return type !== undefined && Object.hasOwn(handlerErrors, type)
    ? handlerErrors[type as HandlerErrorType].status
    : 500;
}
