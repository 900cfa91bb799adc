import { createServer } from "node:net";
import { once } from "node:events";

/** A port that was free a moment ago, for what must know its own URL before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

export function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on TCP");
  return address.port;
}
