import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGatewayProcess } from "../harness/gateway-process.ts";
import { portOf } from "../harness/port-of.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";

const warning = "a connection pooler answers at DATABASE_URL";
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

test("a transaction pooler in front of Postgres is noticed at start", async () => {
  const pooler = await startTransactionPooler(database.url);
  try {
    expect(await backendPids(pooler.url)).toHaveLength(2);
    const gateway = await startGatewayProcess({ databaseUrl: pooler.url });
    try {
      const line = await waitFor("the warning", () =>
        gateway
          .log()
          .split("\n")
          .find((text) => text.includes(warning)),
      );
      expect(line).toContain("give the gateway a direct connection");
    } finally {
      await gateway.close();
    }
  } finally {
    await pooler.close();
  }
});

test("a balancer that only passes bytes on is none", async () => {
  const { hostname, port } = new URL(database.url);
  const proxy = await startTcpProxy([{ host: hostname, port: Number(port) }]);
  try {
    const gateway = await startGatewayProcess({ databaseUrl: at(database.url, proxy.port) });
    await gateway.close();
    expect(proxy.accepted()).toBeGreaterThan(0);
    expect(gateway.log()).toContain("the gateway listens");
    expect(gateway.log()).not.toContain(warning);
  } finally {
    await proxy.close();
  }
});

/** Of two transactions of one connection. */
async function backendPids(url: string): Promise<number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const pids = new Set<number>();
  for (const text of ["select pg_backend_pid() as pid", "select pg_backend_pid() as pid"]) {
    for (const { pid } of (await client.query<{ pid: number }>(text)).rows) pids.add(pid);
  }
  await client.end();
  return [...pids];
}

function at(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.port = String(port);
  return url.href;
}

/**
 * What PgBouncer does in transaction mode: it lets clients in by itself, and lends each of their transactions the
 * backend that has been idle longest.
 */
async function startTransactionPooler(
  databaseUrl: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const backends = await Promise.all([1, 2, 3, 4].map(() => openBackend(databaseUrl)));
  const idle = [...backends];
  const waiting: ((backend: Socket) => void)[] = [];
  const clients = new Set<Socket>();
  const giveBack = (backend: Socket): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(backend);
    else next(backend);
  };

  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => client.destroy());
    client.on("close", () => clients.delete(client));
    client.once("data", () => {
      client.write(welcome);
      lend(client);
    });
  });

  function lend(client: Socket): void {
    client.once("data", (first: Buffer) => {
      if (first[0] === terminate) return;
      client.pause();
      const use = (backend: Socket): void => {
        const toBackend = (bytes: Buffer): void => {
          if (bytes[0] !== terminate) backend.write(bytes);
        };
        const messages = messageReader();
        const toClient = (bytes: Buffer): void => {
          client.write(bytes);
          if (!messages(bytes).some(endsTransaction)) return;
          backend.off("data", toClient);
          client.off("data", toBackend);
          giveBack(backend);
          lend(client);
        };
        backend.on("data", toClient);
        client.on("data", toBackend);
        client.resume();
        backend.write(first);
      };
      const free = idle.shift();
      if (free === undefined) waiting.push(use);
      else use(free);
    });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: at(databaseUrl, portOf(server.address())),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of [...clients, ...backends]) socket.destroy();
      await closed;
    },
  };
}

/** pg goes through the authentication; then the socket is ours. */
async function openBackend(databaseUrl: string): Promise<Socket> {
  const socket = new Socket();
  const client = new Client({ connectionString: databaseUrl, stream: () => socket });
  client.on("error", () => undefined);
  await client.connect();
  socket.removeAllListeners("data");
  return socket;
}

const terminate = "X".charCodeAt(0);

function message(type: string, ...body: Buffer[]): Buffer {
  const bytes = Buffer.concat(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** AuthenticationOk, a cancel key of the pooler's own, ReadyForQuery. */
const welcome = Buffer.concat([
  message("R", uint32(0)),
  message("S", Buffer.from("client_encoding\0UTF8\0")),
  message("K", uint32(4_000_000), uint32(1)),
  message("Z", Buffer.from("I")),
]);

function endsTransaction(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 1) === "Z" && bytes.toString("latin1", 5, 6) === "I";
}

/** Whole messages, however the bytes were cut. */
function messageReader(): (bytes: Buffer) => Buffer[] {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const whole: Buffer[] = [];
    for (;;) {
      if (rest.length < 5) return whole;
      const size = 1 + rest.readUInt32BE(1);
      if (rest.length < size) return whole;
      whole.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}
