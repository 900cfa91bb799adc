import { connect } from "node:net";
import { parseReplies, type RawReply } from "./raw-replies.ts";

export interface RawExchange {
  readonly replies: readonly RawReply[];
  /** The peer gave the connection up while it still had our bytes to read. */
  readonly reset: boolean;
}

/** Bytes as they stand on a connection of its own, each further part after one more reply, until the peer closes. */
export async function rawExchange(url: string, ...parts: string[]): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false });
  const received: Buffer[] = [];
  const [first = "", ...later] = parts;
  let reset = false;
  const repliesSoFar = (): RawReply[] => {
    const replies = parseReplies(Buffer.concat(received));
    if (replies === undefined)
      throw new Error(`no HTTP came back: ${Buffer.concat(received).toString("latin1")}`);
    return replies;
  };
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      try {
        const complete = repliesSoFar().filter((reply) => reply.complete).length;
        while (later.length > 0 && complete >= parts.length - later.length)
          socket.write(later.shift() ?? "", "latin1");
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", () => {
      reset = true;
    });
    socket.on("close", () => {
      resolve();
    });
    socket.write(first, "latin1");
  });
  return { replies: repliesSoFar(), reset };
}
