import type { GatewayAccess } from "../gateway-access.ts";
import { ConnectionFailed, httpStream, type HttpReply, type HttpStream } from "../http-exchange.ts";
import { encodeSegment } from "../protocol/path.ts";
import { readEventStream } from "./event-stream.ts";
import { decodeOperationEvent, type OperationEvent } from "./operation-event.ts";
import {
  createReconnects,
  interruptionBy,
  interruptionIn,
  type Interruption,
} from "./reconnects.ts";

export interface WatchOptions {
  /** Ends the watch and closes its connection at once; the iterator throws its reason. The operation goes on. */
  readonly signal?: AbortSignal;
  /** A connection without a byte for so long counts as broken, in ms. Default 45,000; the gateway writes each 15,000. */
  readonly silenceMs?: number;
  /** Hears why the stream broke, and in how many ms it is asked for again. */
  readonly onInterrupted?: (error: Error, retryInMs: number) => void;
  /** Hears that a gateway answers again; its next event may take its time. */
  readonly onResumed?: () => void;
}

const longestRetryMs = 60_000;
const largestRefusal = 1024 * 1024;

/** Yields until the outcome; `return()` (a `break` out of `for await`) closes the connection at once. */
export type OperationEvents = AsyncIterableIterator<OperationEvent, undefined, undefined>;

/**
 * The events of an operation: its history so far, then what comes, until its outcome. A lost connection is opened again
 * behind the last event (`Last-Event-ID`), at whichever gateway answers, for as long as the operation is not seen to end.
 */
export function watchOperation(
  access: GatewayAccess,
  operationId: string,
  options: WatchOptions = {},
): OperationEvents {
  const left = new AbortController();
  const signal =
    options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const events = eventsUntilOutcome(access, operationId, options, signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        return await events.next();
      } catch (error) {
        if (left.signal.aborted) return { done: true, value: undefined };
        throw error;
      }
    },
    // A generator's own return() would wait for the next event.
    async return() {
      left.abort();
      return events.return(undefined);
    },
  };
}

async function* eventsUntilOutcome(
  access: GatewayAccess,
  operationId: string,
  { silenceMs = 45_000, onInterrupted, onResumed }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<OperationEvent, undefined, undefined> {
  const reconnects = createReconnects(access.retry, { signal, onInterrupted });
  let lastEventId: string | undefined;
  let retryMs = 0;
  let interrupted = false;

  async function open(): Promise<HttpStream> {
    return httpStream({
      method: "GET",
      url: `${access.base}/v1/operations/${encodeSegment(operationId)}/events`,
      headers: {
        ...(await access.headers()),
        accept: "text/event-stream",
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      },
      timeoutMs: access.requestTimeoutMs,
      signal,
      dispatcher: access.dispatcher,
    });
  }

  /** Ends with why there is no more, unless the outcome was among it. */
  async function* eventsOf(stream: HttpStream): AsyncGenerator<OperationEvent, Interruption> {
    if (!isEventStream(stream)) {
      const reply = await collect(stream, access.requestTimeoutMs);
      const interruption = interruptionIn(reply, access.refusal);
      if (interruption === undefined) throw access.refusal(reply);
      return interruption;
    }
    if (interrupted) onResumed?.();
    interrupted = false;
    const onRetry = (ms: number): void => {
      retryMs = Math.min(ms, longestRetryMs);
    };
    for await (const message of readEventStream(stream, { silenceMs, onRetry })) {
      lastEventId = message.id ?? lastEventId;
      reconnects.reset();
      const event = decodeOperationEvent(message.event ?? "message", message.data);
      if (event !== undefined) yield event;
      signal.throwIfAborted();
    }
    const error = new ConnectionFailed(`${access.base} ended the stream before the outcome`);
    return { error, askedMs: 0 };
  }

  for (;;) {
    let interruption: Interruption;
    let stream: HttpStream | undefined;
    try {
      stream = await open();
      const events = eventsOf(stream);
      let next = await events.next();
      for (; next.done !== true; next = await events.next()) {
        yield next.value;
        if (next.value.type === "outcome") return undefined;
      }
      interruption = next.value;
    } catch (error) {
      interruption = interruptionBy(error);
    } finally {
      stream?.close();
    }
    interrupted = true;
    // At a gateway's end all of its streams break at once; they shall not come again at once.
    const askedMs = Math.max(interruption.askedMs, retryMs * (1 + Math.random() / 2));
    await reconnects.after({ ...interruption, askedMs });
  }
}

function isEventStream({ status, headers }: HttpStream): boolean {
  return status === 200 && /^text\/event-stream\b/i.test(headers["content-type"] ?? "");
}

/** A refusal; what goes on for longer, or is longer, is none of ours. */
async function collect(stream: HttpStream, withinMs: number): Promise<HttpReply> {
  const endsAt = performance.now() + withinMs;
  const chunks: Uint8Array[] = [];
  for (let length = 0; ;) {
    const bytes = await stream.read(Math.max(1, endsAt - performance.now()));
    length += bytes?.length ?? 0;
    if (bytes === undefined || length > largestRefusal)
      return { status: stream.status, headers: stream.headers, body: Buffer.concat(chunks) };
    chunks.push(bytes);
  }
}
