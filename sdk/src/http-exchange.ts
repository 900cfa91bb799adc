import { errors, request, type Dispatcher } from "undici";
import { headerNames } from "./protocol/headers.ts";

export interface HttpReply {
  readonly status: number;
  /** Lower-case names, single values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly dispatcher?: Dispatcher | undefined;
}

/** No complete reply: refused, reset, cut or too late. `cause` is undici's own error. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
}

/** Nothing was sent, and nothing would be at another try: the message names the header that HTTP can't carry. */
export class InvalidRequest extends TypeError {
  override readonly name = "InvalidRequest";
}

/**
 * One request, its reply collected; redirects are not followed.
 * @throws ConnectionFailed, InvalidRequest, or the signal's reason.
 */
export async function httpExchange(given: HttpRequest): Promise<HttpReply> {
  const timeout = AbortSignal.timeout(timerMs(given.timeoutMs));
  const signal = given.signal === undefined ? timeout : AbortSignal.any([given.signal, timeout]);
  try {
    const reply = await send(given, signal);
    const body = Buffer.from(await reply.body.arrayBuffer());
    return { status: reply.statusCode, headers: singleValues(reply.headers), body };
  } catch (error) {
    throw failureOf(
      given,
      error,
      timeout.aborted && `no reply within ${Math.round(given.timeoutMs)} ms`,
    );
  }
}

/** A reply whose body comes for as long as it likes, read no faster than it is asked for. */
export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The next bytes; undefined: the body has ended.
   * @throws ConnectionFailed when nothing came within `silenceMs` or the connection broke, or the signal's reason.
   */
  read(silenceMs: number): Promise<Uint8Array | undefined>;
  /** Closes the connection unless the body has ended. */
  close(): void;
}

/** The same with a body that is not collected; `timeoutMs` is for the head of the reply. The signal ends all of it. */
export async function httpStream(given: HttpRequest): Promise<HttpStream> {
  const late = new AbortController();
  const signal =
    given.signal === undefined ? late.signal : AbortSignal.any([given.signal, late.signal]);

  async function within<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => late.abort(), timerMs(ms));
    try {
      return await work();
    } catch (error) {
      throw failureOf(given, error, late.signal.aborted && `${what} within ${ms} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  const reply = await within(given.timeoutMs, "no reply", () => send(given, signal));
  const chunks = reply.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  return {
    status: reply.statusCode,
    headers: singleValues(reply.headers),
    read: async (silenceMs) => (await within(silenceMs, "no byte", () => chunks.next())).value,
    close: () => {
      // What its socket says about that is nobody's news.
      reply.body.on("error", () => undefined).destroy();
    },
  };
}

function send(given: HttpRequest, signal: AbortSignal) {
  return request(given.url, {
    method: given.method,
    headers: given.headers,
    body: given.body ?? null,
    signal,
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(given.dispatcher === undefined ? {} : { dispatcher: given.dispatcher }),
  });
}

function failureOf(given: HttpRequest, error: unknown, late: string | false): unknown {
  if (given.signal?.aborted === true) return given.signal.reason;
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)
    return new InvalidRequest(error.message, { cause: error });
  const why = late === false ? (error instanceof Error ? error.message : String(error)) : late;
  const message = `${given.method} ${new URL(given.url).origin}: ${why}`;
  return new ConnectionFailed(message, { cause: error });
}

/** Timers hold no more than 2^31 - 1 ms, and fire at once for what is over it. */
function timerMs(ms: number): number {
  return Math.max(1, Math.min(Math.ceil(ms), 2 ** 31 - 1));
}

function singleValues(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    single[name] =
      typeof value === "string"
        ? value
        : name === headerNames.link
          ? value.join(", ")
          : (value[0] ?? "");
  }
  return single;
}
