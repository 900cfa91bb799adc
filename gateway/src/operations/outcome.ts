import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { NewOutcome } from "../store/store.ts";
import { headerBytes } from "../dispatch/forwarded-headers.ts";
import { digestUuid } from "./execution-key.ts";
import type { TerminalState } from "./lifecycle.ts";

type Content = Readonly<Record<string, string>>;

/** `links`: the `Nexus-Link` header that came with the outcome. */
export function succeededOutcome(
  content: Content,
  body: Buffer,
  handlerToken: string | null,
  links?: string,
): NewOutcome {
  return {
    state: "succeeded",
    handlerToken,
    headers: headerBytes(links === undefined ? content : { ...content, [headerNames.link]: links }),
    result: body,
    failure: null,
    digest: outcomeDigest("succeeded", content, body),
    attempts: null,
  };
}

/** `failure`: the JSON of a whole Nexus Failure, OperationError or HandlerError shape. */
export function failedOutcome(
  state: Exclude<TerminalState, "succeeded">,
  failure: Buffer,
  handlerToken: string | null,
  links?: string,
): NewOutcome {
  return {
    state,
    handlerToken,
    headers: links === undefined ? null : headerBytes({ [headerNames.link]: links }),
    result: null,
    failure,
    digest: outcomeDigest(state, {}, failure),
    attempts: null,
  };
}

/** Tells the repeat of a completion (answered 200) from another one (NOT_FOUND): state, `Content-*` and body. */
export function outcomeDigest(state: string, content: Content, body: Buffer): string {
  let head = `${state}\0`;
  for (const name of Object.keys(content).sort()) head += `${name}\0${content[name] ?? ""}\0`;
  return digestUuid(Buffer.concat([Buffer.from(`${head}\0`), body]));
}

/**
 * Wraps without parsing: what a handler sent as cause stays as it is, big integers and key order included. The text and
 * the mark that only the cause counts are the reference's (protocol.md 1.3).
 */
export function operationErrorFailure(state: "failed" | "canceled", cause: Buffer): Buffer {
  const head = `{"message":"nexus operation completed unsuccessfully","metadata":{"type":"nexus.OperationError","unwrap-error":"true"},"details":{"state":"${state}"},"cause":`;
  return Buffer.concat([Buffer.from(head), cause, Buffer.from("}")]);
}

/** On the wire `timed_out`, `terminated` and a cancel before any dispatch are operation errors with a typed cause. */
export function meshFailure(
  state: "failed" | "canceled",
  type: string,
  message: string,
  details: Record<string, string>,
): Buffer {
  return operationErrorFailure(
    state,
    Buffer.from(JSON.stringify({ message, metadata: { type: `nexus-mesh.${type}` }, details })),
  );
}

export function wireState(state: TerminalState): "succeeded" | "failed" | "canceled" {
  return state === "succeeded" || state === "canceled" ? state : "failed";
}
