import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Malformed } from "./malformed.ts";
import { parseReplies } from "../harness/raw-replies.ts";

/** A gateway that waits for more bytes says nothing; a client would have waited longer. */
const silenceMs = 300;
const longestMs = 4_000;

/** Sends what was made up on a connection of its own; resolves with all bytes that came back. */
export async function exchange(port: number, sent: Malformed): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const received: Buffer[] = [];
  let spoke = performance.now();
  const enough = (): boolean => {
    const replies = parseReplies(Buffer.concat(received));
    return (
      replies === undefined || replies.filter(({ complete }) => complete).length >= sent.requests
    );
  };
  const ended = new Promise<void>((resolve) => {
    socket.once("close", () => {
      resolve();
    });
  });
  // A reset is one of the answers that may come.
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    received.push(chunk);
    spoke = performance.now();
    if (enough()) socket.destroy();
  });
  const began = performance.now();
  const silent = setInterval(() => {
    const now = performance.now();
    if (now - spoke < silenceMs && now - began < longestMs) return;
    if (sent.leave === "reset") socket.resetAndDestroy();
    else socket.destroy();
  }, 50);
  try {
    for (const chunk of sent.chunks) {
      if (socket.destroyed) break;
      socket.write(chunk);
      spoke = performance.now();
      if (sent.pauseMs > 0) await Promise.race([delay(sent.pauseMs), ended]);
    }
    if (sent.leave === "half-close") socket.end();
    await ended;
  } finally {
    clearInterval(silent);
  }
  return Buffer.concat(received);
}
