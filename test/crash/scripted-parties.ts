import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A handler team's service: attaches by key, answers 201, completes a moment later, and tries until it is told 200. */
export interface ScriptedHandler {
  readonly url: string;
  /** key → how often the work itself ran (an attaching repeat does not run it). */
  readonly runs: Map<string, number>;
  readonly starts: Map<string, number>;
  readonly cancels: Set<string>;
  close(): Promise<void>;
}

export interface ScriptedReceiver {
  readonly url: string;
  /** operation id → every completion received, as `state|body`. */
  readonly received: Map<string, string[]>;
  close(): Promise<void>;
}

export async function startHandler(
  completeAt: () => readonly string[],
  completesAlone: boolean,
): Promise<ScriptedHandler> {
  const runs = new Map<string, number>();
  const starts = new Map<string, number>();
  const cancels = new Set<string>();
  const completing = new Map<string, Promise<void>>();
  const callbacks = new Map<string, Record<string, string>>();
  let closed = false;

  const complete = (key: string, state: string, body: string): void => {
    if (completing.has(key)) return;
    completing.set(key, untilAccepted(callbacks.get(key) ?? {}, state, body));
  };
  async function untilAccepted(
    headers: Record<string, string>,
    state: string,
    body: string,
  ): Promise<void> {
    for (let n = 0; !closed && n < 300; n += 1) {
      for (const base of completeAt()) {
        const status = await post(
          `${base}/nexus/callback`,
          { ...headers, "nexus-operation-state": state, "content-type": "application/json" },
          body,
        );
        if (status === 200) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const server = createServer((request, response) => {
    void readBody(request).then(() => {
      if (request.url?.includes("/cancel") === true) {
        const token = String(request.headers["nexus-operation-token"]);
        cancels.add(token);
        response.writeHead(202).end();
        complete(token, "canceled", JSON.stringify({ message: "canceled as asked" }));
        return;
      }
      const key = String(request.headers["nexus-request-id"]);
      starts.set(key, (starts.get(key) ?? 0) + 1);
      if (!runs.has(key)) runs.set(key, 1);
      const prefix = "nexus-callback-";
      callbacks.set(
        key,
        Object.fromEntries(
          Object.entries(request.headers)
            .filter(([name]) => name.startsWith(prefix))
            .map(([name, value]) => [name.slice(prefix.length), String(value)]),
        ),
      );
      answer(response, 201, { token: key, state: "running" });
      if (completesAlone)
        setTimeout(() => complete(key, "succeeded", JSON.stringify({ key })), 200);
    });
  });
  const url = await listen(server);
  return {
    url,
    runs,
    starts,
    cancels,
    async close() {
      closed = true;
      await Promise.all(completing.values());
      await closeServer(server);
    },
  };
}

export async function startReceiver(): Promise<ScriptedReceiver> {
  const received = new Map<string, string[]>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const id = String(request.headers["nexus-operation-token"]);
      const all = received.get(id) ?? [];
      all.push(`${String(request.headers["nexus-operation-state"])}|${body}`);
      received.set(id, all);
      response.writeHead(200).end();
    });
  });
  return { url: await listen(server), received, close: () => closeServer(server) };
}

/** The status, or 0 where no reply came: the other side may be dead, which is the point here. */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<number> {
  return (await exchange(url, headers, body)).status;
}

export async function exchange(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(8_000),
    });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: "" };
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
