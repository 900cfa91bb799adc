import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import { portOf } from "./port-of.ts";

interface Upstream {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxy {
  readonly port: number;
  readonly url: string;
  /** Connections accepted so far. */
  accepted(): number;
  setUpstreams(upstreams: readonly Upstream[]): void;
  /** Bytes stop in both directions, and nobody is told: a half-open connection. */
  blackhole(on: boolean): void;
  /** Resets every open connection. */
  cut(): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of one or several servers, round-robin per connection; a refusing upstream is skipped. */
export async function startTcpProxy(
  initial: readonly Upstream[],
  /** Sees the bytes of the upstream; what it returns goes on to the client. */
  rewrite: (fromUpstream: Buffer) => Buffer = (bytes) => bytes,
): Promise<TcpProxy> {
  let upstreams = initial;
  let next = 0;
  let accepted = 0;
  let silent = false;
  const sockets = new Set<Socket>();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    accepted += 1;
    track(client);
    dial(client, upstreams.length);
  });

  function track(socket: Socket): void {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  }

  function dial(client: Socket, tries: number): void {
    const upstream = upstreams[next++ % Math.max(1, upstreams.length)];
    if (upstream === undefined || tries === 0) {
      client.resetAndDestroy();
      return;
    }
    const socket = connect({ host: upstream.host, port: upstream.port, allowHalfOpen: true });
    socket.once("error", () => {
      dial(client, tries - 1);
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      track(socket);
      client.on("data", (bytes) => {
        if (!silent) socket.write(bytes);
      });
      socket.on("data", (bytes) => {
        if (!silent) client.write(rewrite(bytes));
      });
      client.on("end", () => {
        if (!silent) socket.end();
      });
      socket.on("end", () => {
        if (!silent) client.end();
      });
      client.on("close", () => socket.destroy());
      socket.on("close", () => {
        if (!silent) client.destroy();
      });
    });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    accepted: () => accepted,
    setUpstreams: (to) => {
      upstreams = to;
    },
    blackhole: (on) => {
      silent = on;
    },
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
