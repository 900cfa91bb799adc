import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";
import { portOf } from "./port-of.ts";
import { waitFor } from "./wait-for.ts";

/** What a scripted handler was sent. */
export interface HandlerCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** How it answers; a function may answer late, or never, or tear the connection down through the response. */
export type HandlerScript =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | Buffer;
    }
  | ((call: HandlerCall, response: ServerResponse) => void | Promise<void>);

export interface ScriptedHandler {
  /** What an endpoint's target is set to. */
  readonly url: string;
  readonly calls: readonly HandlerCall[];
  script(script: HandlerScript): void;
  nextCall(what: string, matches?: (call: HandlerCall) => boolean): Promise<HandlerCall>;
  close(): Promise<void>;
}

/** A raw Nexus handler that answers what the test says, well-formed or not. */
export async function startScriptedHandler(
  initial: HandlerScript = {
    status: 200,
    headers: { "content-type": "application/json" },
    body: '"ok"',
  },
): Promise<ScriptedHandler> {
  let script = initial;
  const calls: HandlerCall[] = [];
  const served = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => response.destroy());
    request.on("end", () => {
      const call: HandlerCall = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks),
      };
      calls.push(call);
      if (typeof script === "function") void script(call, response);
      else response.writeHead(script.status, script.headers).end(script.body);
    });
  });
  return {
    url: `${served.url}/nexus`,
    calls,
    script: (to) => {
      script = to;
    },
    nextCall: (what, matches = () => true) =>
      waitFor(what, () => calls.find(matches), { ms: 20_000 }),
    close: served.close,
  };
}

/** Any `(request, response)` listener on a free loopback port: the SDK's handler server is one. */
export async function serve(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
