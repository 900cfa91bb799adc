import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below 32768, where Linux takes the local ports of outgoing connections from (macOS and Windows: 49152): a port that
 * the kernel chose for a probe is taken by some connection before its owner listens, once in some thousand runs.
 */
const lowest = 10_240;
const beyond = 32_768;

/** A port that nobody listens on, for what must know its own URL before it listens. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(lowest, beyond);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${lowest} and ${beyond}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
