import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Stands for the load balancer: one public port, connections go to the gateways in turn, a dead one is passed over. */
export async function startBalancer(
  port: number,
  gatewayPorts: readonly number[],
): Promise<{ close(): Promise<void> }> {
  let next = 0;
  const open = new Set<Socket>();

  const server = createServer((client) => {
    remember(client);
    dial(client, gatewayPorts.length);
  });

  function dial(client: Socket, tries: number): void {
    const gatewayPort = gatewayPorts[next++ % gatewayPorts.length];
    if (tries === 0 || gatewayPort === undefined) {
      client.destroy();
      return;
    }
    const gateway = connect(gatewayPort, "127.0.0.1");
    const refused = (): void => {
      dial(client, tries - 1);
    };
    gateway.once("error", refused);
    gateway.once("connect", () => {
      gateway.off("error", refused);
      remember(gateway);
      client.pipe(gateway);
      gateway.pipe(client);
      client.once("close", () => gateway.destroy());
      gateway.once("close", () => client.destroy());
    });
  }

  function remember(socket: Socket): void {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
  }

  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
