import type { IncomingMessage } from "node:http";
import { HandlerError } from "nexus-rpc";

/** @throws HandlerError BAD_REQUEST beyond the limit, as the reference deployment answers (protocol.md 1.11). */
export async function collectBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new HandlerError("BAD_REQUEST", "input exceeds size limit");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
