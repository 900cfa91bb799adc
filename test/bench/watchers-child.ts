import { connect, type Socket } from "node:net";

/** Thousands of clients in a process of their own: each holds one long poll or one stream, over a bare socket. */
export interface WatchRequest {
  readonly kind: "poll" | "stream";
  readonly url: string;
  readonly token: string;
  readonly ids: readonly string[];
  /** Loopback has one range of ports for each address. */
  readonly from: string;
}

/** `afterMs`: by the clock of the machine, which Postgres has written to `closed_at`. */
export type WatchReport =
  | { readonly kind: "open" }
  | { readonly kind: "heard"; readonly id: string; readonly afterMs: number }
  | { readonly kind: "failed"; readonly error: string };

const atOnce = 100;
const againMs = 200;

process.on("message", (message) => {
  if (message === "stop") process.exit(0);
  const request = message as WatchRequest;
  openAll(request).then(
    () => report({ kind: "open" }),
    (error: unknown) => report({ kind: "failed", error: String(error) }),
  );
});

async function openAll(request: WatchRequest): Promise<void> {
  const left = [...request.ids];
  const open = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) await openOne(request, id);
  };
  await Promise.all(Array.from({ length: atOnce }, open));
}

/** Resolves when a stream has told something, and when a poll was sent. */
function openOne({ kind, url, token, from }: WatchRequest, id: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const path = kind === "poll" ? `${id}?wait=60s` : `${id}/events`;
  const request = `GET /v1/operations/${path} HTTP/1.1\r\nHost: mesh\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: hostname, port: Number(port), localAddress: from });
    socket.on("error", reject);
    socket.on("connect", () => {
      socket.write(request);
      if (kind === "poll") resolve();
    });
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      const closedAt = /"closedAt":"([^"]+)"/.exec(text)?.[1];
      if (closedAt !== undefined) {
        report({ kind: "heard", id, afterMs: Date.now() - Date.parse(closedAt) });
        socket.destroy();
      } else if (kind === "stream" && text.includes("event: ")) resolve();
      // Its time was over before its operation was, or the machine is slower than this needs.
      else if (kind === "poll" && text.startsWith("HTTP/1.1 200")) socket.write(request);
      else if (text.startsWith("HTTP/1.1 503")) setTimeout(() => socket.write(request), againMs);
      else if (/^HTTP\/1.1 [^2]/.test(text))
        report({ kind: "failed", error: `a watcher was answered ${text.slice(0, 200)}` });
    });
  });
}

function report(message: WatchReport): void {
  process.send?.(message);
}
