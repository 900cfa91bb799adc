import { decodeJwt } from "jose";
import { HandlerError, OperationError } from "nexus-rpc";
import type { Caller } from "../caller-trust.ts";
import type { createHandleCancel, createHandleStart, HandlerRequest } from "../handle-operation.ts";
import { contentHeaders } from "../protocol/content.ts";
import { handlerErrorToFailure, operationErrorToFailure } from "../protocol/failure.ts";
import { headerNames } from "../protocol/headers.ts";
import { splitNexusPath } from "../protocol/path.ts";
import { decodeStartResponse } from "../protocol/start-response.ts";
import type { TaskMessage } from "../protocol/task-batch.ts";
import type { TaskAnswer } from "./task-client.ts";

/** The reason of `ctx.abortSignal` when the caller asked to cancel. */
export class CancelRequested extends Error {
  override readonly name = "CancelRequested";
}

/** What the handler's server does with a request, done with a task. */
export type ServeTask = (
  task: TaskMessage,
  run: { readonly signal: AbortSignal; readonly extras: object },
) => Promise<TaskAnswer>;

export function createServeTask(parts: {
  start: ReturnType<typeof createHandleStart>;
  cancel: ReturnType<typeof createHandleCancel>;
  onError: (error: unknown) => void;
}): ServeTask {
  return async (task, { signal, extras }) => {
    try {
      const route = splitNexusPath(task.headers[headerNames.taskPath] ?? "");
      if (route === undefined) throw new HandlerError("NOT_FOUND", "not found");
      const request: HandlerRequest = {
        service: route.service,
        operation: route.operation,
        headers: visible(task.headers),
        query: { callback: task.headers[headerNames.callbackUrl] ?? "" },
        body: Buffer.from(task.body),
        caller: callerIn(task.headers[headerNames.callerIdentity]),
        signal,
        extras,
      };
      if (route.kind === "cancel") {
        await parts.cancel(request, undefined);
        return { kind: "complete", headers: {}, body: Buffer.alloc(0) };
      }
      const encoded = await parts.start(request);
      const links = linksIn(encoded.headers);
      if (encoded.status === 200)
        return {
          kind: "complete",
          headers: { ...contentHeaders(encoded.headers), ...links },
          body: encoded.body,
        };
      const started = decodeStartResponse(encoded);
      if (started.kind !== "async")
        throw new TypeError(`a start was answered ${encoded.status}, which nothing here does`);
      return { kind: "start", headers: links, operationToken: started.token };
    } catch (error) {
      return { kind: "fail", failure: failureOf(error, signal) };
    }
  };

  function failureOf(error: unknown, signal: AbortSignal): Buffer {
    if (error instanceof OperationError && ["failed", "canceled"].includes(error.state))
      return json(operationErrorToFailure(error));
    if (error instanceof HandlerError) return json(handlerErrorToFailure(error));
    // Stopped because it was told to: whatever an aborted call throws then.
    if (signal.reason instanceof CancelRequested && isAbort(error, signal))
      return json(operationErrorToFailure(new OperationError("canceled", "canceled as asked for")));
    parts.onError(error);
    return json(handlerErrorToFailure(new HandlerError("INTERNAL", "internal server error")));
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** The gateway said it, over the connection that this worker opened to it: there is nobody else to check the signature against. */
function callerIn(identity: string | undefined): Caller | undefined {
  if (identity === undefined) return undefined;
  const claims = decodeJwt(identity);
  return {
    namespace: String(claims.sub),
    principal: String(claims["principal"]),
    endpoint: String(claims["endpoint"]),
  };
}

/** The task's token is its worker's, no handler's. */
function visible(headers: Readonly<Record<string, string>>): Record<string, string> {
  const hidden: readonly string[] = [
    headerNames.taskToken,
    headerNames.taskPath,
    headerNames.callbackUrl,
    headerNames.callerIdentity,
  ];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hidden.includes(name)));
}

function linksIn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const links = headers[headerNames.link];
  return links === undefined ? {} : { [headerNames.link]: links };
}

function json(failure: object): Buffer {
  return Buffer.from(JSON.stringify(failure));
}
