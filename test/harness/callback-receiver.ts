import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import { portOf } from "./port-of.ts";
import { waitFor } from "./wait-for.ts";

export interface ReceivedCompletion {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface CallbackReceiver {
  readonly url: string;
  readonly received: readonly ReceivedCompletion[];
  /** The status of every answer from now on; 0 resets the connection instead. */
  answer(status: number): void;
  next(
    what: string,
    matches?: (completion: ReceivedCompletion) => boolean,
  ): Promise<ReceivedCompletion>;
  close(): Promise<void>;
}

/** Records whatever is POSTed to it. It verifies nothing: tests of signatures use the SDK's receiver. */
export async function startCallbackReceiver(): Promise<CallbackReceiver> {
  const received: ReceivedCompletion[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => response.destroy());
    request.on("end", () => {
      received.push({
        url: request.url ?? "",
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks),
      });
      if (status === 0) request.socket.resetAndDestroy();
      else response.writeHead(status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server.address())}/callback`,
    received,
    answer: (to) => {
      status = to;
    },
    next: (what, matches = () => true) =>
      waitFor(what, () => received.find(matches), { ms: 20_000 }),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
