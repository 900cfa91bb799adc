import { serve } from "../harness/handler-server.ts";
import type { RawReply } from "./row.ts";

interface Received {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface ScriptedReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** Answers every request with the row's reply and remembers what it was sent. */
export async function startScriptedReceiver(reply: RawReply): Promise<ScriptedReceiver> {
  const received: Received[] = [];
  const server = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      received.push({
        url: request.url ?? "",
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: bytes.toString(),
        bytes,
      });
      response.writeHead(reply.status, (reply.headers ?? []).flat()).end(reply.body);
    });
  });
  return { url: server.url, received, close: server.close };
}
