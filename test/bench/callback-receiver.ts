import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** In the load's own process, since an operation is in flight until its callback has come. */
export interface CallbackReceiver {
  readonly url: string;
  /** Resolves when the callback of that operation has come, also if it came before. */
  delivered(token: string): Promise<void>;
  close(): Promise<void>;
}

export async function startCallbackReceiver(): Promise<CallbackReceiver> {
  const early = new Set<string>();
  const waiting = new Map<string, () => void>();
  const server = createServer((request, response) => {
    const token = String(request.headers["nexus-operation-token"]);
    request.resume().once("end", () => {
      response.writeHead(200).end();
      const resolve = waiting.get(token);
      if (resolve === undefined) early.add(token);
      waiting.delete(token);
      resolve?.();
    });
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delivered: (token) =>
      new Promise((resolve) => {
        if (early.delete(token)) resolve();
        else waiting.set(token, resolve);
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
