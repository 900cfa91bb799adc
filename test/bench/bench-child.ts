import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGateway } from "@nexus-mesh/gateway/server";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";
import pg from "pg";
import { Pool as HttpPool } from "undici";
import { startBareProxy } from "./bare-proxy.ts";
import { startBenchWorker, type BenchWorker } from "./bench-worker.ts";
import { startCrudeMesh } from "./crude-mesh.ts";

/** One party of the benchmark in a process of its own, so that its CPU can be read alone. */
export type Role =
  | { readonly kind: "handler" }
  | { readonly kind: "bare-proxy"; readonly target: string }
  | {
      readonly kind: "crude-mesh";
      readonly target: string;
      readonly databaseUrl: string;
      readonly receiver: string;
    }
  | { readonly kind: "gateway"; readonly options: GatewayOptions }
  | { readonly kind: "worker"; readonly worker: BenchWorker };

const statements = new Map<string, number>();
const role = JSON.parse(process.argv[2] ?? "") as Role;
const url = await start(role);
process.on("message", (message) => {
  const [question = "", name = ""] = String(message).split(" ");
  switch (question) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      process.send?.({ answer: user + system });
      return;
    }
    case "memory":
      collectGarbage();
      process.send?.({ answer: process.memoryUsage().rss });
      return;
    case "statements":
      process.send?.({ answer: statements.get(name) ?? 0 });
      return;
    case "stop":
      process.exit(0);
  }
});
process.send?.({ url });

async function start(role: Role): Promise<string> {
  switch (role.kind) {
    case "handler":
      return startHandler();
    case "bare-proxy":
      return startBareProxy(role.target);
    case "crude-mesh":
      return startCrudeMesh(role);
    case "gateway":
      countStatements();
      return (await createGateway(role.options)).address;
    case "worker":
      return startBenchWorker(role.worker);
  }
}

/** What this process asks Postgres, by the names of the statements. */
function countStatements(): void {
  const own = Object.getOwnPropertyDescriptor(pg.Client.prototype, "query");
  const query = own?.value as (...given: unknown[]) => unknown;
  Object.defineProperty(pg.Client.prototype, "query", {
    ...own,
    value(this: pg.Client, ...given: unknown[]): unknown {
      const { name } = given[0] as { name?: string };
      if (name !== undefined) statements.set(name, (statements.get(name) ?? 0) + 1);
      return Reflect.apply(query, this, given);
    },
  });
}

/** Twice, since what the first run finalizes is freed by the second. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  gc();
}

/** `/…/sync` answers at once; `/…/async` answers 201 and completes by callback right after. */
async function startHandler(): Promise<string> {
  const pools = new Map<string, HttpPool>();
  const server = createServer((request, response) => {
    void collect(request).then((body) => {
      const target = new URL(request.url ?? "/", "http://handler");
      if (target.pathname.endsWith("/sync")) {
        response
          .writeHead(200, { "content-type": "application/json", "content-length": body.length })
          .end(body);
        return;
      }
      if (target.pathname.endsWith("/cancel")) {
        response.writeHead(202).end();
        return;
      }
      const callback = new URL(target.searchParams.get("callback") ?? "");
      response
        .writeHead(201, { "content-type": "application/json" })
        .end('{"token":"t","state":"running"}');
      const headers: Record<string, string> = {
        "content-type": "application/json",
        "nexus-operation-state": "succeeded",
      };
      for (const [name, value] of Object.entries(request.headers)) {
        if (name.startsWith("nexus-callback-"))
          headers[name.slice("nexus-callback-".length)] = String(value);
      }
      const pool = pools.get(callback.origin) ?? new HttpPool(callback.origin, { connections: 64 });
      pools.set(callback.origin, pool);
      void pool
        .request({ path: callback.pathname, method: "POST", headers, body })
        .then((reply) => reply.body.dump());
    });
  });
  return listen(server);
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
