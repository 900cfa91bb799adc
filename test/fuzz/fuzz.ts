import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
import { exchange } from "./connection.ts";
import type { Memory } from "./fuzzed-gateway.ts";
import { wrongWith } from "./judge.ts";
import { malformed, type Malformed } from "./malformed.ts";
import { createRandom } from "./random.ts";
import { parseReplies } from "../harness/raw-replies.ts";
import { remember, startTarget, type Target } from "./target.ts";

/**
 * `npm run test:fuzz [-- --requests=10000 --seed=N]`: malformed requests over raw sockets leave a gateway serving, and
 * every refusal typed. The seed repeats what is sent; what the gateway does at the same time it can't.
 */
const sockets = 64;
const warmUp = 1_000;
const mostGrowth: Memory = { rss: 1.2, held: 1.3 };
const longestMs = 240_000;
const mostViolations = 10;
const shownBytes = 1_500;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const total = Number(values.requests);
const seed = Number(values.seed);
if (!Number.isInteger(total) || total < 1 || !Number.isInteger(seed))
  throw new TypeError("--requests and --seed are whole numbers");
print(`seed ${seed}, ${total} requests, ${sockets} sockets`);

const random = createRandom(seed);
const inFlight = new Map<number, Malformed>();
const faults = new Map<string, number>();
const statuses = new Map<string, number>();
const violations: string[] = [];
const began = performance.now();
let sent = 0;

const dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-fuzz-"));
// Passable for the user that Postgres runs as, so that it needs no other folder when this one is root's.
await chmod(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, fsync: false });
try {
  const target = await startTarget(postgres.url);
  try {
    await fuzz(target);
  } finally {
    await target.close();
  }
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

print(`\nfaults: ${counts(faults)}`);
print(`answers: ${counts(statuses)}`);
for (const violation of violations) print(`\nVIOLATION ${violation}`);
const seconds = ((performance.now() - began) / 1_000).toFixed(0);
print(
  `\n${sent} requests in ${seconds} s, seed ${seed}: ${violations.length === 0 ? "nothing found" : `${violations.length} violations`}`,
);
process.exitCode = violations.length === 0 ? 0 : 1;

async function fuzz(target: Target): Promise<void> {
  const { gateway } = target;
  await sendUntil(Math.min(warmUp, total), target);
  if (!gateway.ended()) {
    const early = await gateway.memory();
    await sendUntil(total, target);
    if (!gateway.ended()) {
      const late = await gateway.memory();
      for (const [what, most] of Object.entries(mostGrowth) as [keyof Memory, number][]) {
        const grown = late[what] / early[what];
        print(
          `${what} after ${Math.min(warmUp, total)}: ${mib(early[what])}; after ${sent}: ${mib(late[what])}`,
        );
        if (grown > most) violations.push(`${what} grew ${grown.toFixed(2)} times, over ${most}`);
      }
      const broken = await notServing(target);
      if (broken !== undefined) violations.push(`at the end ${broken}`);
    }
  }
  if (gateway.stderr() !== "") violations.push(`on the gateway's stderr:\n${gateway.stderr()}`);
}

async function sendUntil(end: number, target: Target): Promise<void> {
  await Promise.all(
    Array.from({ length: sockets }, async () => {
      while (sent < end && !stopped(target)) {
        const number = (sent += 1);
        const made = malformed(random, target.known);
        inFlight.set(number, made);
        for (const fault of made.faults) count(faults, fault);
        judge(number, made, await exchange(target.gateway.port, made), target);
        inFlight.delete(number);
        if (number % 500 === 0) {
          const broken = await notServing(target);
          if (broken !== undefined) violations.push(`after ${number} requests ${broken}`);
        }
      }
    }),
  );
}

function stopped({ gateway }: Target): boolean {
  if (violations.length >= mostViolations) return true;
  if (gateway.ended()) {
    if (inFlight.size > 0)
      violations.push(
        `the gateway ended; in flight were\n${[...inFlight].map(([number, made]) => show(number, made)).join("\n")}`,
      );
    inFlight.clear();
    return true;
  }
  if (performance.now() - began < longestMs) return false;
  violations.push(`only ${sent} requests were done in ${longestMs / 1_000} s`);
  return true;
}

function judge(number: number, made: Malformed, bytes: Buffer, { operations }: Target): void {
  const replies = parseReplies(bytes);
  if (replies === undefined) {
    violations.push(`bytes that are no HTTP: ${shown(bytes)}\n${show(number, made)}`);
    return;
  }
  if (replies.length === 0) count(statuses, "none");
  for (const reply of replies) {
    count(statuses, String(reply.status));
    const wrong = wrongWith(reply);
    if (wrong !== undefined)
      violations.push(`${wrong}: ${shown(reply.body)}\n${show(number, made)}`);
    const token = /"token":"([0-9a-f-]{36})"/.exec(reply.body.toString("latin1"))?.[1];
    if (reply.status === 201 && token !== undefined) remember(operations, token);
  }
}

/** Whether an honest caller and an honest admin get what they ask for. */
async function notServing({ gateway, known }: Target): Promise<string | undefined> {
  const base = `http://127.0.0.1:${gateway.port}`;
  const headers = (token: string) => ({
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  });
  const input = '{"honest":true}';
  try {
    const started = await fetch(`${base}/nexus/endpoints/fuzzed/services/greeting/echo`, {
      method: "POST",
      headers: headers(known.callerToken),
      body: input,
      signal: AbortSignal.timeout(10_000),
    });
    const output = await started.text();
    if (started.status !== 200 || output !== input)
      return `a good start is answered ${started.status} ${output}`;
    const read = await fetch(`${base}/v1/namespaces`, {
      headers: headers(known.adminToken),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await read.text();
    return read.status === 200 ? undefined : `a good read is answered ${read.status} ${text}`;
  } catch (error) {
    return `a good request fails: ${String(error)}`;
  }
}

function show(number: number, made: Malformed): string {
  const how = `${made.faults.join(", ")}; in ${made.chunks.length} parts, ${made.pauseMs} ms between them; then ${made.leave}`;
  return `  request ${number} (${how}):\n    ${shown(Buffer.concat(made.chunks))}`;
}

/** Each byte readable, in JSON's escapes. */
function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.subarray(0, shownBytes).toString("latin1"));
  return bytes.length > shownBytes ? `${text} … ${bytes.length} bytes` : text;
}

function count(counted: Map<string, number>, what: string): void {
  counted.set(what, (counted.get(what) ?? 0) + 1);
}

function counts(counted: Map<string, number>): string {
  return [...counted]
    .sort(([, a], [, b]) => b - a)
    .map(([what, n]) => `${what} ${n}`)
    .join(", ");
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
