import type { Dispatcher } from "undici";
import type { OperationError } from "nexus-rpc";
import { ConnectionFailed, httpExchange } from "./http-exchange.ts";
import { encodeCompletion, type CompletionFacts } from "./protocol/completion.ts";
import { serialize } from "./protocol/content.ts";
import { decodeErrorResponse } from "./protocol/failure-response.ts";
import { askedDelay, withRetries, type RetryOptions } from "./retry.ts";

/** Where and how to complete: what a start brought along, kept with the work until it has ended. */
export interface CompletionTarget extends CompletionFacts {
  /** The start's `callback` URL (`ctx.callbackUrl`). */
  readonly callbackUrl: string;
  /** The start's callback headers without their prefix (`ctx.callbackHeaders`); they carry the credential. */
  readonly callbackHeaders?: Readonly<Record<string, string>> | undefined;
}

export type CompletionOutcome = { readonly result: unknown } | { readonly error: OperationError };

export interface CompleteOptions extends RetryOptions {
  /** One try, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly dispatcher?: Dispatcher;
}

/** The mesh refused the completion for good: a bad token, or an operation that has ended otherwise. */
export class CompletionRefused extends Error {
  override readonly name = "CompletionRefused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Tells the mesh how an asynchronous operation ended; from any process, at any time before its deadline. The same
 * completion may be sent again: a repeat is welcome, and only the first one counts (Nexus SPEC, "Complete Operation").
 *
 * `result` is written as JSON, a `Uint8Array` as it is, `undefined` as no content. `error` is an `OperationError` of
 * state `failed` or `canceled`.
 *
 * @throws CompletionRefused when it will never be accepted.
 * @throws ConnectionFailed when no try got an answer (5 tries unless set otherwise).
 * @throws InvalidRequest for a callback header that HTTP can't carry.
 * @example
 * await completeOperation({ callbackUrl, callbackHeaders }, { result: { rows: 3 } });
 */
export async function completeOperation(
  target: CompletionTarget,
  outcome: CompletionOutcome,
  options: CompleteOptions = {},
): Promise<void> {
  const encoded = encodeCompletion(
    "error" in outcome ? { error: outcome.error } : { content: serialize(outcome.result) },
    target,
  );
  const reply = await withRetries(
    () =>
      httpExchange({
        method: "POST",
        url: target.callbackUrl,
        headers: { ...lowerCase(target.callbackHeaders ?? {}), ...encoded.headers },
        body: encoded.body,
        timeoutMs: options.timeoutMs ?? 10_000,
        signal: options.signal,
        dispatcher: options.dispatcher,
      }),
    (tried) => {
      if ("error" in tried) return tried.error instanceof ConnectionFailed && 0;
      return isRetryable(tried.result) && askedDelay(tried.result);
    },
    options,
    { signal: options.signal },
  );
  if (accepted(reply.status)) return;
  if (isRetryable(reply)) {
    throw new ConnectionFailed(
      `the mesh answered ${reply.status} at every try: send it again later`,
    );
  }
  const decoded = decodeErrorResponse(reply);
  const why = decoded.kind === "handler-error" ? (decoded.failure?.message ?? decoded.type) : "";
  throw new CompletionRefused(
    reply.status,
    `the completion was answered ${reply.status}${why === "" ? "" : `: ${why}`}`,
  );
}

function accepted(status: number): boolean {
  return status >= 200 && status < 300;
}

function isRetryable(reply: {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}): boolean {
  if (accepted(reply.status)) return false;
  const decoded = decodeErrorResponse(reply);
  return decoded.kind !== "operation-error" && decoded.retryable;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
