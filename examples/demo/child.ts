import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Child {
  readonly pid: number;
  /** What it printed, for when something goes wrong. */
  log(): string;
  /** The next line that the child prints and the test accepts, also one printed already. */
  line(matches: (line: string) => boolean, ms?: number): Promise<string>;
  kill(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const running = new Set<ChildProcess>();

export function startChild(
  name: string,
  command: readonly string[],
  env: Record<string, string>,
): Child {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const exited = once(child, "exit").then(() => running.delete(child));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    });
  }
  return {
    pid: child.pid ?? 0,
    log: () => lines.slice(-40).join("\n"),
    line: (matches, ms = 60_000) =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          waiting.delete(look);
          clearTimeout(timer);
        };
        const look = (): void => {
          const found = lines.find(matches);
          if (found === undefined) return;
          give();
          resolve(found);
        };
        const fail = (why: string) => (): void => {
          give();
          reject(new Error(`${name} ${why}:\n${lines.slice(-40).join("\n")}`));
        };
        const timer = setTimeout(fail(`did not say what was awaited within ${ms} ms`), ms);
        void exited.then(fail("ended"));
        waiting.add(look);
        look();
      }),
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await exited;
      clearTimeout(late);
    },
  };
}

/** The last resort when the demo itself is told to stop. */
export function killAllChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Runs to the end and gives what it printed; a status other than 0 is an error. */
export async function runCommand(
  command: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  running.delete(child);
  if (code !== 0)
    throw new Error(`${command.join(" ")} ended with ${code ?? "a signal"}:\n${stderr}${stdout}`);
  return stdout;
}

export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  ms = 20_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${ms / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
