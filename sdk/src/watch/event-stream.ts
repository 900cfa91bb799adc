import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { HttpStream } from "../http-exchange.ts";

/** In characters. A message of ours is under 16 KiB; what sends more without an end is no gateway. */
const largestMessage = 1024 * 1024;

/**
 * The messages of a `text/event-stream` (WHATWG HTML, "Server-sent events"), read from the socket only as they are asked
 * for: what a slow consumer has not taken waits at the sender. A message that was cut is not given out.
 *
 * @throws as `HttpStream.read`; ParseError for a message without an end.
 */
export async function* readEventStream(
  stream: HttpStream,
  options: {
    /** How long no byte, not even of a comment, may come, in ms. */
    readonly silenceMs: number;
    /** The pause before a reconnect that the server asks for, in ms. */
    readonly onRetry: (ms: number) => void;
  },
): AsyncGenerator<EventSourceMessage, undefined> {
  const messages: EventSourceMessage[] = [];
  const failures: Error[] = [];
  const parser = createParser({
    maxBufferSize: largestMessage,
    onEvent: (message) => messages.push(message),
    onRetry: options.onRetry,
    onError: (error) => {
      // Fields that are unknown or malformed are to be ignored.
      if (error.type === "max-buffer-size-exceeded") failures.push(error);
    },
  });
  const decoder = new TextDecoder();
  for (;;) {
    const bytes = await stream.read(options.silenceMs);
    if (bytes === undefined) return undefined;
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* messages.splice(0);
    for (const failure of failures) throw failure;
  }
}
