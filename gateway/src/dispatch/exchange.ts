import type { Dispatcher } from "undici";

export interface ExchangeRequest {
  readonly dispatcher: Dispatcher;
  /** As `URL.origin` spells it. */
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Whoever waits for the reply: when it goes away, the exchange is given up. */
  readonly waiting?: Waiting | undefined;
  /** The request is about to be written: from here on a failure is ambiguous. */
  readonly onSent?: (() => void) | undefined;
}

/** Cheaper than an AbortSignal, whose making and listening took 4 % of a pass-through call. */
export interface Waiting {
  gone(): boolean;
  /** The listener may also be called when the exchange has ended. */
  onGone(listener: () => void): void;
}

export interface ExchangeReply {
  readonly status: number;
  /** Lower-case names; of repeated headers the first value, links joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** No complete reply. `sent: false` says that certainly no byte of the request left. */
export class ExchangeFailed extends Error {
  override readonly name = "ExchangeFailed";
  readonly sent: boolean;
  readonly timedOut: boolean;

  constructor(message: string, sent: boolean, timedOut: boolean, cause: unknown) {
    super(message, { cause });
    this.sent = sent;
    this.timedOut = timedOut;
  }
}

/**
 * One POST, reply collected. `dispatch` rather than `request`: no stream objects, one write, half of the CPU
 * (reference/peers.md). Redirects are not followed: they would lead out of the checked address.
 */
export function exchange(request: ExchangeRequest): Promise<ExchangeReply> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let finished = false;
    let status = 0;
    let headers: Record<string, string> = {};
    let size = 0;
    let timedOut = false;
    const chunks: Buffer[] = [];
    let abort: ((reason: Error) => void) | undefined;

    const fail = (message: string, cause: unknown): void => {
      if (finished) return;
      finish();
      reject(new ExchangeFailed(message, sent, timedOut, cause));
    };
    const giveUp = (reason: string): void => {
      const error = new Error(reason);
      if (abort === undefined) fail(reason, error);
      else abort(error);
    };
    const onAbort = (): void => {
      if (!finished) giveUp("the request was given up");
    };
    const timer = setTimeout(() => {
      timedOut = true;
      giveUp(`no reply within ${Math.round(request.timeoutMs)} ms`);
    }, request.timeoutMs);
    const finish = (): void => {
      finished = true;
      clearTimeout(timer);
    };
    request.waiting?.onGone(onAbort);
    if (request.waiting?.gone() === true) {
      fail("the request was given up", undefined);
      return;
    }

    request.dispatcher.dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: "POST",
        headers: request.headers,
        body: request.body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(controller) {
          if (finished) {
            controller.abort(new Error("given up before it was sent"));
            return;
          }
          abort = (reason) => {
            controller.abort(reason);
          };
          request.onSent?.();
          sent = true;
        },
        onResponseStart(_controller, statusCode, replyHeaders) {
          status = statusCode;
          headers = firstValues(replyHeaders);
        },
        onResponseData(controller, chunk) {
          size += chunk.length;
          if (size > request.maxBytes) {
            controller.abort(new Error(`the reply is larger than ${request.maxBytes} bytes`));
            return;
          }
          chunks.push(chunk);
        },
        onResponseEnd() {
          if (finished) return;
          finish();
          resolve({
            status,
            headers,
            body: chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks),
          });
        },
        onResponseError(_controller, error) {
          fail(
            error.message === ""
              ? ("code" in error && String(error.code)) || error.name
              : error.message,
            error,
          );
        },
      },
    );
  });
}

function firstValues(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
  const first: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    if (typeof value === "string") first[lower] = value;
    else first[lower] = lower === "nexus-link" ? value.join(", ") : (value[0] ?? "");
  }
  return first;
}
