import { request, type Dispatcher } from "undici";
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

/** One request, its reply collected; redirects are not followed. @throws ConnectionFailed, or the signal's reason. */
export async function httpExchange(given: HttpRequest): Promise<HttpReply> {
  const timeout = AbortSignal.timeout(
    Math.max(1, Math.min(Math.ceil(given.timeoutMs), 2 ** 31 - 1)),
  );
  const signal = given.signal === undefined ? timeout : AbortSignal.any([given.signal, timeout]);
  try {
    const reply = await request(given.url, {
      method: given.method,
      headers: given.headers,
      body: given.body ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(given.dispatcher === undefined ? {} : { dispatcher: given.dispatcher }),
    });
    const body = Buffer.from(await reply.body.arrayBuffer());
    return { status: reply.statusCode, headers: singleValues(reply.headers), body };
  } catch (error) {
    if (given.signal?.aborted === true) throw given.signal.reason;
    const why = timeout.aborted
      ? `no reply within ${given.timeoutMs} ms`
      : error instanceof Error
        ? error.message
        : String(error);
    throw new ConnectionFailed(`${given.method} ${new URL(given.url).origin}: ${why}`, {
      cause: error,
    });
  }
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
