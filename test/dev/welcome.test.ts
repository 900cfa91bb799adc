import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { welcome } from "../../gateway/src/dev/welcome.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let home: string;
const running = new Set<Terminal>();

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "nexus-mesh-home-"));
  // Passable for the user that Postgres runs as.
  await chmod(home, 0o755);
});
afterEach(async () => {
  for (const terminal of running) await terminal.interrupt();
  await rm(home, { recursive: true, force: true });
});

/** The example's handler listens on 7410, whatever the gateway's port: no other test may use that one. */
test(
  "the three commands that npm start prints work as they stand, and Ctrl-C leaves nothing behind",
  { timeout: 120_000 },
  async () => {
    const gateway = openTerminal(`exec npm start -- ${await ownPortsAndData()}`);
    await gateway.says("Ctrl-C stops everything");
    const commands = printedCommands(gateway.output());
    expect(commands).toHaveLength(3);
    const [serve = "", expose = "", call = ""] = commands;

    expect(serve).toContain("examples/hello/handler.ts");
    const handler = openTerminal(serve);
    await handler.says("greeting is served");

    const exposing = openTerminal(expose);
    expect(await exposing.ended, exposing.output()).toBe(0);

    expect(call).toMatch(/operation start .*--wait$/);
    const calling = openTerminal(call);
    expect(await calling.ended, calling.output()).toBe(0);
    expect(calling.output()).toContain("Hello, World!");

    await handler.interrupt();
    expect(await processesOf(home)).toContainEqual(expect.stringContaining("postgres"));
    expect(await gateway.interrupt(), gateway.output()).toBe(0);
    expect(await processesOf(home)).toEqual([]);
  },
);

test(
  "a SIGINT to npm alone, as a supervisor sends it, ends the gateway as Ctrl-C does",
  { timeout: 120_000 },
  async () => {
    const gateway = openTerminal(`exec npm start -- ${await ownPortsAndData()}`);
    await gateway.says("Ctrl-C stops everything");
    gateway.signalAlone("SIGINT");
    expect(await gateway.ended, gateway.output()).toBe(0);
    expect(gateway.output()).toContain("Stopped. The data stay where they are.");
    expect(await processesOf(home)).toEqual([]);
  },
);

test("at the usual port the first command needs nothing but the example", () => {
  const [serve] = printedCommands(
    welcome({
      url: "http://127.0.0.1:7400",
      dataDir: "data",
      masterKeyPath: "key",
      contextsPath: "contexts",
      tokenIssued: true,
    }),
  );
  expect(serve).toBe("npx tsx examples/hello/handler.ts");
});

async function ownPortsAndData(): Promise<string> {
  return `--port ${await freePort()} --ops-port ${await freePort()} --data-dir ${path.join(home, "data")}`;
}

function printedCommands(output: string): string[] {
  return [...output.matchAll(/^ {2}(\S.*)$/gm)].map(([, text]) => text ?? "");
}

interface Terminal {
  output(): string;
  says(text: string): Promise<void>;
  /** The exit code, once all its output has been read. */
  readonly ended: Promise<number | null>;
  /** Ctrl-C, which reaches every process of the terminal; the exit code. */
  interrupt(): Promise<number | null>;
  /** To the command itself alone. */
  signalAlone(signal: "SIGINT"): void;
}

function openTerminal(command: string): Terminal {
  const child = spawn("sh", ["-c", command], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: home },
    // A process group of its own, as in a terminal.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]: (number | null)[]) => {
    running.delete(terminal);
    return code ?? null;
  });
  const terminal: Terminal = {
    output: () => output,
    ended,
    async says(text) {
      await waitFor(
        `${command} to say ${JSON.stringify(text)}`,
        () => {
          if (hasEnded(child)) throw new Error(`${command} ended:\n${output}`);
          return output.includes(text);
        },
        { ms: 60_000 },
      );
    },
    async interrupt() {
      if (child.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, "SIGINT");
      return ended;
    },
    signalAlone: (signal) => {
      child.kill(signal);
    },
  };
  running.add(terminal);
  return terminal;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Every process inherits the home, however it detached itself. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    // It ended between the two reads, or belongs to someone else.
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(`HOME=${folder}`))
      found.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => pid));
  }
  return found;
}
