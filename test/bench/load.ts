import { Pool } from "undici";

export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** `requests` POSTs over `connections` connections, each waiting for its answer; latencies in ms. */
export async function load(
  url: URL,
  request: { headers: Record<string, string>; body: Buffer; expect: number },
  size: { connections: number; requests: number },
  /** What a request waits for beside its answer: its latency is the time to both. */
  ended?: (answer: string) => Promise<void>,
): Promise<LoadResult> {
  const pool = new Pool(url.origin, { connections: size.connections });
  const latencies: number[] = [];
  let left = size.requests;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: size.connections }, async () => {
      while (left > 0) {
        left -= 1;
        const sent = performance.now();
        const reply = await pool.request({
          path: url.pathname + url.search,
          method: "POST",
          headers: request.headers,
          body: request.body,
        });
        const text = await reply.body.text();
        if (reply.statusCode !== request.expect)
          throw new Error(`${url.pathname} answered ${reply.statusCode}: ${text.slice(0, 300)}`);
        await ended?.(text);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - from) / 1_000;
  await pool.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { perSecond: size.requests / seconds, p50: at(0.5), p99: at(0.99) };
}
