import { createServer } from "node:http";
import { once } from "node:events";
import { createCallbackReceiver, type ReceivedCompletion } from "@nexus-mesh/sdk/callback-receiver";
import { createNexusClient, type ServiceClient } from "@nexus-mesh/sdk/client";
import { completeOperation } from "@nexus-mesh/sdk/complete-operation";
import { callerOf, createHandlerServer } from "@nexus-mesh/sdk/handler";
import {
  HandlerStartOperationResult,
  OperationError,
  operation,
  service,
  serviceHandler,
} from "nexus-rpc";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { serve } from "../harness/handler-server.ts";
import { createDatabase } from "../harness/postgres.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { seedTwoTeams } from "../harness/seed.ts";

export const reports = service("reports", {
  /** Answers at once, with the namespace that called. */
  hello: operation<{ name: string }, { greeting: string; caller: string }>(),
  /** Runs until the test says how it ends. */
  build: operation<{ rows: number }, { rows: number }>(),
  refuse: operation<null, null>(),
});

/** A start that the handler accepted and the test has to end. */
export interface RunningBuild {
  readonly token: string;
  readonly callerRequestId: string;
  readonly rows: number;
  succeed(): Promise<void>;
  fail(state: "failed" | "canceled", message: string): Promise<void>;
}

export interface TwoTeams {
  readonly gateways: readonly TestGateway[];
  readonly url: string;
  readonly callbackUrl: string;
  readonly storefront: ServiceClient<(typeof reports)["operations"]>;
  readonly tokens: { readonly caller: string; readonly owner: string; readonly admin: string };
  readonly builds: readonly RunningBuild[];
  readonly canceled: readonly string[];
  readonly completions: readonly ReceivedCompletion[];
  close(): Promise<void>;
}

/** insights behind `analytics`, storefront in front of it, all of it the SDK's, over one gateway or several. */
export async function startTwoTeams(count: number): Promise<TwoTeams> {
  const closing: (() => Promise<void>)[] = [];
  const database = await createDatabase();
  closing.push(() => database.drop());
  const proxy = await startTcpProxy([]);
  closing.push(() => proxy.close());
  const gateways: TestGateway[] = [];
  for (let n = 0; n < count; n += 1) {
    const gateway = await startGateway({
      databaseUrl: database.url,
      options: { publicUrl: proxy.url },
    });
    closing.push(() => gateway.close());
    gateways.push(gateway);
  }
  const [first] = gateways;
  if (first === undefined) throw new Error("at least one gateway");
  proxy.setUpstreams(gateways.map(({ options }) => ({ host: "127.0.0.1", port: options.port })));

  const builds: RunningBuild[] = [];
  const canceled: string[] = [];
  const handlerPort = await freePort();
  const target = `http://127.0.0.1:${handlerPort}/nexus`;
  const { listener } = createHandlerServer({
    services: [handlerOf(builds, canceled)],
    basePath: "/nexus",
    trust: { gateway: proxy.url, audience: target, endpoints: ["analytics"] },
  });
  const handler = createServer(listener).listen(handlerPort, "127.0.0.1");
  await once(handler, "listening");
  closing.push(async () => {
    handler.close();
    handler.closeAllConnections();
  });

  const seeded = await seedTwoTeams(first, target);
  for (const { context } of gateways) await context.registry.refresh();
  const storefront = first.context.registry.snapshot().namespaces.get("storefront");
  const secrets = await first.context.keys.callbackSecrets(storefront?.id ?? 0);
  const completions: ReceivedCompletion[] = [];
  const receiver = createCallbackReceiver({
    secrets,
    onCompletion: (completion) => {
      completions.push(completion);
    },
  });
  const callbacks = await serve(receiver.listener);
  closing.push(() => callbacks.close());
  const client = createNexusClient({ url: proxy.url, token: seeded.callerToken });
  return {
    gateways,
    url: proxy.url,
    callbackUrl: callbacks.url,
    storefront: client.service({ endpoint: "analytics", service: reports }),
    tokens: { caller: seeded.callerToken, owner: seeded.ownerToken, admin: seeded.adminToken },
    builds,
    canceled,
    completions,
    close: async () => {
      for (const step of closing.reverse()) await step();
    },
  };
}

function handlerOf(builds: RunningBuild[], canceled: string[]) {
  return serviceHandler(reports, {
    hello: async (ctx, { name }) => ({
      greeting: `Hello, ${name}!`,
      caller: callerOf(ctx)?.namespace ?? "",
    }),
    build: {
      start: async (ctx, { rows }) => {
        // Named by the key, as a durable workflow would be: a repeat attaches.
        const token = `build-${ctx.requestId}`;
        const at = {
          callbackUrl: ctx.callbackUrl ?? "",
          callbackHeaders: ctx.callbackHeaders,
          operationToken: token,
        };
        if (!builds.some((build) => build.token === token)) {
          builds.push({
            token,
            callerRequestId: ctx.headers["nexus-mesh-caller-request-id"] ?? "",
            rows,
            succeed: () => completeOperation(at, { result: { rows } }),
            fail: (state, message) =>
              completeOperation(at, { error: new OperationError(state, message) }),
          });
        }
        return HandlerStartOperationResult.async(token);
      },
      cancel: async (_ctx, token) => {
        canceled.push(token);
      },
    },
    refuse: async () => {
      throw new OperationError("failed", "no report today");
    },
  });
}
