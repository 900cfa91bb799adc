import type { IncomingMessage, ServerResponse } from "node:http";
import { serve } from "./handler-server.ts";

/** One request for the events, still open as long as the test wants. */
export interface EventRequest {
  readonly url: string;
  readonly lastEventId: string | undefined;
  readonly authorization: string | undefined;
  /** The client is gone, or the response has ended. */
  closed(): boolean;
}

export interface EventServer {
  readonly url: string;
  readonly requests: readonly EventRequest[];
  close(): Promise<void>;
}

export type EventScript = (response: ServerResponse, request: EventRequest, nth: number) => void;

/** Stands for gateways that answer `GET …/events` as the test says, one script after the other, the last one from then on. */
export async function startEventServer(...scripts: EventScript[]): Promise<EventServer> {
  const requests: EventRequest[] = [];
  const served = await serve((message: IncomingMessage, response: ServerResponse) => {
    const header = message.headers["last-event-id"];
    const request: EventRequest = {
      url: message.url ?? "",
      lastEventId: typeof header === "string" ? header : undefined,
      authorization: message.headers.authorization,
      closed: () => response.closed,
    };
    requests.push(request);
    const nth = requests.length;
    scripts[Math.min(nth, scripts.length) - 1]?.(response, request, nth);
  });
  return { url: served.url, requests, close: served.close };
}

/** Head of a stream that asks to come again soon. */
export function openStream(response: ServerResponse): ServerResponse {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write("retry: 1\n\n");
  return response;
}

/** One event in the wire's form. */
export function wireEvent(id: string, event: string, data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
