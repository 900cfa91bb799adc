import { randomInt } from "node:crypto";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import { startChildGateway } from "../crash/child-gateway.ts";
import { serve } from "../harness/handler-server.ts";
import { seedMesh } from "../harness/seed-mesh.ts";
import { malformedRequest, seededRandom } from "./malformed-request.ts";

/**
 * `npm run test:fuzz [-- --requests=10000 --seed=N]`: malformed requests over raw sockets. Fails when the gateway stops serving,
 * writes of an unhandled error, answers a 5xx that is no typed failure, or keeps memory.
 */
const requests = argument("requests", 10_000);
const seed = argument("seed", randomInt(2 ** 31));
const sockets = 16;
const settleAfter = Math.floor(requests / 10);
const longestMs = 4 * 60_000;

const random = seededRandom(seed);
process.stdout.write(`seed ${seed}, ${requests} requests\n`);
const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-fuzz-"));
await chmod(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, fsync: false });
const handler = await serve((request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "application/json" }).end("1");
});
const port = await freePort();
const options: GatewayOptions = {
  ...defaultGatewayOptions,
  databaseUrl: postgres.url,
  publicUrl: `http://127.0.0.1:${port}`,
  port,
  opsPort: 0,
  masterKeys: [randomBytes(32).toString("base64url")],
  allowUnsafeDatabase: true,
};
const { token } = await seedMesh(options, "fuzz", handler.url);
const gateway = await startChildGateway(options, null);
const problems: string[] = [];
const statuses = new Map<string, number>();
let memoryAfterFirst = 0;
try {
  let left = requests;
  const end = performance.now() + longestMs;
  await Promise.all(
    Array.from({ length: sockets }, async () => {
      while (left > 0 && problems.length < 10) {
        left -= 1;
        if (left === requests - settleAfter) memoryAfterFirst = await memory(gateway.pid);
        if (performance.now() > end) throw new Error(`not done within ${longestMs / 60_000} min`);
        const request = malformedRequest(random, token);
        check(request, await exchange(request));
      }
    }),
  );
  const good = await fetch(`${gateway.url}/nexus/endpoints/fuzz/services/s/op`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "1",
  });
  if (good.status !== 200) problems.push(`a good request is answered ${good.status} afterwards`);
  const grown = (await memory(gateway.pid)) / memoryAfterFirst;
  if (grown > 1.2)
    problems.push(
      `memory grew ${grown.toFixed(2)} times between ${settleAfter} and ${requests} requests`,
    );
  if (/unhandled|uncaught|ERR_UNHANDLED/i.test(gateway.log()))
    problems.push(`the gateway wrote of an unhandled error:\n${gateway.log().slice(-4_000)}`);
  const counts = [...statuses].sort().map(([status, n]) => `${status}: ${n}`);
  process.stdout.write(`${counts.join(", ")}\nmemory ×${grown.toFixed(2)}\n`);
} finally {
  await gateway.stop();
  await handler.close();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
for (const problem of problems) process.stdout.write(`PROBLEM ${problem}\n`);
process.stdout.write(problems.length === 0 ? "the gateway holds\n" : `seed ${seed}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Writes the pieces one after the other; what comes back until the peer closes, or nothing came for a while. */
async function exchange(request: { pieces: readonly Buffer[] }): Promise<Buffer> {
  const socket: Socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  let wake: (() => void) | undefined;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    wake?.();
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {
      resolve();
    });
    socket.on("close", () => {
      resolve();
    });
  });
  await Promise.race([
    closed,
    new Promise<void>((resolve) => {
      socket.on("connect", () => {
        resolve();
      });
    }),
  ]);
  for (const piece of request.pieces) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => {
      socket.write(piece, () => {
        resolve();
      });
    });
  }
  // A request that never ends gets no answer: hanging up is part of the fuzz.
  const answered = new Promise<void>((resolve) => {
    wake = resolve;
    setTimeout(resolve, 150).unref();
  });
  if (chunks.length === 0) await Promise.race([closed, answered]);
  socket.destroy();
  await closed;
  return Buffer.concat(chunks);
}

function check(request: { pieces: readonly Buffer[] }, answer: Buffer): void {
  const text = answer.toString("latin1");
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "none";
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (!status.startsWith("5")) return;
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  // INTERNAL is typed too, and says that nobody had thought of this request.
  if (/"code":"(?!INTERNAL")[A-Z_]+"/.test(body)) return;
  const sent = Buffer.concat(request.pieces).toString("latin1").slice(0, 600);
  problems.push(
    `${status} without a typed failure: ${JSON.stringify(text.slice(0, 300))} to ${JSON.stringify(sent)}`,
  );
}

/** Resident bytes. */
async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) * 1_024;
}

function argument(name: string, otherwise: number): number {
  const found = process.argv.find((one) => one.startsWith(`--${name}=`));
  return found === undefined ? otherwise : Number(found.slice(name.length + 3));
}
