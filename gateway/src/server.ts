import type { Server } from "node:http";
import { createHttpApp, type HttpApp } from "./http-app.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { openContext, type GatewayParts } from "./open-context.ts";
import { createEngine, type NexusEngine } from "./operations/create-engine.ts";
import { createOpsListener } from "./ops-listener.ts";
import type { GatewayOptions } from "./options.ts";

export interface RunningGateway {
  readonly address: string;
  readonly opsAddress: string;
  readonly context: GatewayContext;
  readonly engine: NexusEngine;
  /** Not ready any more, waiters answered, attempts in flight ended, connections handed back one by one. */
  drain(): Promise<void>;
  /** Closes what was opened, in reverse order; drains briefly unless `drain` came first. */
  close(): Promise<void>;
}

/** While balancers and clients notice, new connections are still answered: closing the listener would reset them. */
const noticeMs = 1_000;
const hurriedDrainMs = 2_000;

export async function createGateway(
  options: GatewayOptions,
  parts: GatewayParts = {},
): Promise<RunningGateway> {
  const { context, health, close: closeContext } = await openContext(options, parts);
  const engine = createEngine(context);
  let http: HttpApp | undefined;
  let ops: Server | undefined;
  let drained: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  try {
    http = await createHttpApp(context, engine);
    ops = createOpsListener(context, health, () => engine.queues.measure());
    const opsAddress = await listen(ops, options.opsHost, options.opsPort);
    const { app } = http;
    await app.ready();
    const address = await app.listen({ host: options.host, port: options.port });
    engine.run();
    context.log.info({ address, opsAddress, publicUrl: options.publicUrl }, "the gateway listens");
    return {
      address,
      opsAddress,
      context,
      engine,
      drain: () => (drained ??= drain(options.drainMs, noticeMs)),
      close: () => (closed ??= close()),
    };
  } catch (error) {
    await http?.app.close();
    if (ops !== undefined) await closeServer(ops);
    await closeContext();
    throw error;
  }

  async function drain(drainMs: number, notice: number): Promise<void> {
    health.drain();
    http?.closeConnectionsAfterReply();
    const noticed = http === undefined ? undefined : whenNoticed(http.app.server, notice);
    await Promise.all([engine.drain(drainMs), noticed]);
  }

  async function close(): Promise<void> {
    await (drained ??= drain(Math.min(options.drainMs, hurriedDrainMs), 0));
    if (http !== undefined) {
      await endConnections(http.app.server);
      await http.app.close();
    }
    if (ops !== undefined) await closeServer(ops);
    await closeContext();
  }
}

/** Lets answers in progress end, for a second: a streaming client may not hold up the exit. */
function endConnections(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      server.closeAllConnections();
    }, 1_000);
    // The event loop has just accepted all that were waiting; the kernel would reset those that still are.
    setImmediate(() => {
      server.close(() => {
        clearTimeout(late);
        resolve();
      });
    });
  });
}

/** At once when nobody is connected, so that Ctrl-C on an idle gateway does not linger. */
async function whenNoticed(server: Server, ms: number): Promise<void> {
  if (ms === 0) return;
  const connections = await new Promise<number>((resolve) => {
    server.getConnections((error, count) => {
      resolve(error === null ? count : 1);
    });
  });
  if (connections === 0) return;
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const bound = server.address();
      if (bound === null || typeof bound === "string") {
        reject(new Error("the operations' listener has no TCP address"));
        return;
      }
      const name = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
      resolve(`http://${name}:${bound.port}`);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
