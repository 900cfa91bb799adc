import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "../harness/wait-for.ts";

interface Started {
  readonly url: string;
  readonly pid: number;
}

interface Owner {
  readonly postgres: Started;
  kill(): Promise<void>;
  /** Through its own handle; the exit code. */
  stopPostgres(): Promise<number | null>;
}

let dataDir: string;
const owners: Owner[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "nexus-mesh-orphan-"));
  // Passable for the user that Postgres runs as.
  await chmod(dataDir, 0o755);
});
afterEach(async () => {
  for (const owner of owners.splice(0)) {
    await owner.kill();
    if (isAlive(owner.postgres.pid)) process.kill(owner.postgres.pid, "SIGQUIT");
  }
  await rm(dataDir, { recursive: true, force: true });
});

test("a Postgres whose starter was killed is adopted by the next process, with its data, and stopped by it", async () => {
  const first = await startOwner();
  await query(first.postgres.url, "create table kept (n int)");
  await query(first.postgres.url, "insert into kept values (42)");
  await first.kill();
  expect(isAlive(first.postgres.pid)).toBe(true);

  const second = await startOwner();
  expect(second.postgres).toEqual(first.postgres);
  await query(second.postgres.url, "update kept set n = n + 1");
  expect(await query(second.postgres.url, "select n from kept")).toEqual([{ n: 43 }]);
  expect(await second.stopPostgres()).toBe(0);
  expect(isAlive(first.postgres.pid)).toBe(false);

  const third = await startOwner();
  expect(third.postgres.pid).not.toBe(first.postgres.pid);
  expect(await query(third.postgres.url, "select n from kept")).toEqual([{ n: 43 }]);
  expect(await third.stopPostgres()).toBe(0);
});

/** Stops its Postgres when told so, and by nothing else. */
const ownerSource = `
  import { once } from "node:events";
  import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";
  const postgres = await startEmbeddedPostgres({ dataDir: process.argv[1], fsync: false });
  console.log(JSON.stringify({ url: postgres.url, pid: postgres.pid }));
  await once(process.stdin, "data");
  await postgres.stop();
  process.exit(0);
`;

async function startOwner(): Promise<Owner> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "--eval", ownerSource, "--", dataDir],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), stdio: ["pipe", "pipe", "pipe"] },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, "exit").then(([code]: (number | null)[]) => code ?? null);
  let line: string | undefined;
  createInterface({ input: child.stdout }).once("line", (text) => {
    line = text;
  });
  const said = await waitFor(
    "Postgres to be started",
    () => {
      if (child.exitCode !== null) throw new Error(`its starter ended:\n${stderr}`);
      return line;
    },
    { ms: 60_000 },
  );
  const owner: Owner = {
    postgres: JSON.parse(said) as Started,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    stopPostgres() {
      child.stdin.write("stop\n");
      return exited;
    },
  };
  owners.push(owner);
  return owner;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: it is gone.
    return false;
  }
}
