import { createServer } from "node:http";
import { once } from "node:events";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { completeOperation } from "@nexus-mesh/sdk/complete-operation";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import {
  HandlerStartOperationResult,
  operation,
  service,
  serviceHandler,
  type StartOperationContext,
} from "nexus-rpc";
import type { Mesh } from "../../engine/mesh.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { toError, toOperationError } from "./error-shape.ts";
import { startReference, type ErrorShape, type Link, type Reference } from "./reference.ts";

export interface LaterInput {
  /** The handler's own operation token. */
  readonly token: string;
  /** What it answers with. */
  readonly links?: readonly Link[];
}

export const reference = service("reference", {
  echo: operation<unknown, unknown>(),
  fail: operation<ErrorShape, undefined>(),
  later: operation<LaterInput, unknown>(),
});

/** What a handler saw of a start. */
interface Start {
  readonly requestId: string;
  readonly callbackUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly links: readonly Link[];
}

type Completion = { readonly json: unknown } | { readonly error: ErrorShape };

/** A handler behind the gateway that serves `reference`: Go's or the SDK's. */
export interface InteropHandler {
  readonly endpoint: string;
  /** The start whose header `x-case` has this value. */
  start(value: string): Promise<Start>;
  /** Waits for a cancel of the handler's own token. */
  canceled(token: string): Promise<void>;
  /** Ends an operation by the implementation's own completion client; rejects unless it was acknowledged. */
  complete(token: string, completion: Completion): Promise<void>;
  close(): Promise<void>;
}

export async function startGoHandler(mesh: Mesh): Promise<InteropHandler & { go: Reference }> {
  const go = await startReference("handle");
  return {
    go,
    endpoint: await mesh.endpoint(go.url),
    async start(value) {
      const start = await go.seen("start", `the start of ${value}`, ({ header }) => {
        return header["x-case"] === value;
      });
      return { ...start, headers: start.header };
    },
    async canceled(token) {
      await go.seen("cancel", `the cancel of ${token}`, (cancel) => cancel.token === token);
    },
    async complete(token, completion) {
      const { error } = await go.ask({
        token,
        ...("error" in completion
          ? { error: completion.error }
          : { result: { header: { type: "application/json" }, data: base64(completion.json) } }),
      });
      if (error !== undefined) throw new Error(`the completion failed: ${JSON.stringify(error)}`);
    },
    close: () => go.close(),
  };
}

export async function startSdkHandler(mesh: Mesh): Promise<InteropHandler> {
  const starts: StartOperationContext[] = [];
  const callbacks = new Map<string, StartOperationContext>();
  const cancels: string[] = [];
  const served = serviceHandler(reference, {
    echo: (ctx, input) => {
      starts.push(ctx);
      ctx.outboundLinks.push(...ctx.inboundLinks);
      return Promise.resolve(input);
    },
    fail: (ctx, shape) => {
      starts.push(ctx);
      return Promise.reject(toError(shape));
    },
    later: {
      start: (ctx, { token, links = [] }) => {
        starts.push(ctx);
        callbacks.set(token, ctx);
        ctx.outboundLinks.push(...links.map(({ url, type }) => ({ url: new URL(url), type })));
        return Promise.resolve(HandlerStartOperationResult.async(token));
      },
      cancel: (_ctx, token) => {
        cancels.push(token);
        return Promise.resolve();
      },
    },
  });
  const port = await freePort();
  const audience = `http://127.0.0.1:${port}/nexus`;
  const endpoint = await mesh.endpoint(audience);
  const { listener } = createHandlerServer({
    services: [served],
    basePath: "/nexus",
    trust: { gateway: mesh.publicUrl, audience, endpoints: [endpoint] },
  });
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint,
    async start(value) {
      const ctx = await waitFor(`the start of ${value}`, () =>
        starts.find(({ headers }) => headers["x-case"] === value),
      );
      return {
        requestId: ctx.requestId,
        callbackUrl: ctx.callbackUrl ?? "",
        headers: ctx.headers,
        links: ctx.inboundLinks.map(({ url, type }) => ({ url: url.href, type })),
      };
    },
    async canceled(token) {
      await waitFor(`the cancel of ${token}`, () => cancels.includes(token));
    },
    async complete(token, completion) {
      const { callbackUrl = "", callbackHeaders = {} } = callbacks.get(token) ?? {};
      await completeOperation(
        { callbackUrl, callbackHeaders },
        "error" in completion
          ? { error: toOperationError(completion.error) }
          : { result: completion.json },
      );
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export function base64(json: unknown): string {
  return Buffer.from(JSON.stringify(json)).toString("base64");
}
