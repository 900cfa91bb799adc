import type { NewOutcome } from "../store/store.ts";
import { headerBytes } from "../dispatch/forwarded-headers.ts";
import { digestUuid } from "./execution-key.ts";
import type { TerminalState } from "./lifecycle.ts";

type Content = Readonly<Record<string, string>>;

export function succeededOutcome(
  content: Content,
  body: Buffer,
  handlerToken: string | null,
): NewOutcome {
  return {
    state: "succeeded",
    handlerToken,
    contentHeaders: headerBytes(content),
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
): NewOutcome {
  return {
    state,
    handlerToken,
    contentHeaders: null,
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

/** Wraps without parsing: what a handler sent as cause stays as it is, big integers and key order included. */
export function operationErrorFailure(state: "failed" | "canceled", cause: Buffer): Buffer {
  const head = `{"message":"nexus operation completed unsuccessfully","metadata":{"type":"nexus.OperationError"},"details":{"state":"${state}"},"cause":`;
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
