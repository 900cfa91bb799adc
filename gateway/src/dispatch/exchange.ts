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
    const exchanging = new Exchanging(request, resolve, reject);
    if (!exchanging.begin()) return;
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
      exchanging,
    );
  });
}

/** What undici tells of one exchange. A class, for a closure per event would be made at every call. */
class Exchanging implements Dispatcher.DispatchHandler {
  readonly #request: ExchangeRequest;
  readonly #resolve: (reply: ExchangeReply) => void;
  readonly #reject: (error: ExchangeFailed) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent = false;
  #finished = false;
  #timedOut = false;
  #status = 0;
  #headers: Record<string, string> = {};
  #size = 0;

  constructor(
    request: ExchangeRequest,
    resolve: (reply: ExchangeReply) => void,
    reject: (error: ExchangeFailed) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** false: nobody waits for it any more. */
  begin(): boolean {
    const { timeoutMs, waiting } = this.#request;
    if (waiting !== undefined) {
      if (waiting.gone()) {
        this.#fail("the request was given up", undefined);
        return false;
      }
      waiting.onGone(() => {
        this.#giveUp("the request was given up");
      });
    }
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#giveUp(`no reply within ${Math.round(timeoutMs)} ms`);
    }, timeoutMs);
    return true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#finished) {
      controller.abort(new Error("given up before it was sent"));
      return;
    }
    this.#controller = controller;
    this.#request.onSent?.();
    this.#sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#headers = firstValues(headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#request.maxBytes) {
      controller.abort(new Error(`the reply is larger than ${this.#request.maxBytes} bytes`));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#finished) return;
    this.#finish();
    const [first = Buffer.alloc(0)] = this.#chunks;
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body: this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first,
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { message } = error;
    this.#fail(
      message === "" ? ("code" in error && String(error.code)) || error.name : message,
      error,
    );
  }

  #giveUp(reason: string): void {
    if (this.#finished) return;
    const error = new Error(reason);
    if (this.#controller === undefined) this.#fail(reason, error);
    else this.#controller.abort(error);
  }

  #fail(message: string, cause: unknown): void {
    if (this.#finished) return;
    this.#finish();
    this.#reject(new ExchangeFailed(message, this.#sent, this.#timedOut, cause));
  }

  #finish(): void {
    this.#finished = true;
    clearTimeout(this.#timer);
  }
}

/** undici gives names in lower case, and every value of a repeated one. */
function firstValues(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
  const first: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") first[name] = value;
    else if (value !== undefined)
      first[name] = name === "nexus-link" ? value.join(", ") : (value[0] ?? "");
  }
  return first;
}
