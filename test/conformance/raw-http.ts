import { request as httpRequest } from "node:http";
import type { HeaderLines } from "./row.ts";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly bytes: Buffer;
}

/** A request whose header lines go out as they are given, repeated ones too. */
export function rawRequest(
  url: string,
  request: { method?: string; headers: HeaderLines; body?: string | Buffer; chunked?: true },
): Promise<RawAnswer> {
  const { hostname, port, pathname } = new URL(url);
  // As written: URL would resolve dots and escape what the row leaves raw.
  const path = url.slice(url.indexOf(pathname.slice(0, 2), url.indexOf("//") + 2));
  const body = request.body ?? "";
  const length: HeaderLines =
    request.chunked === true
      ? [["transfer-encoding", "chunked"]]
      : [["content-length", String(Buffer.byteLength(body))]];
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        hostname,
        port,
        path,
        method: request.method ?? "POST",
        agent: false,
        headers: [["host", `${hostname}:${port}`] as const, ...request.headers, ...length].flat(),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const bytes = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
            ),
            body: bytes.toString(),
            bytes,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
