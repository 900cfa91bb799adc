import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";

export interface ChildGateway {
  readonly url: string;
  readonly opsUrl: string;
  readonly pid: number;
  reached(): boolean;
  readonly exited: Promise<void>;
  /** What it wrote to stderr: shown when a scenario fails. */
  log(): string;
  /** SIGSTOP freezes it, SIGCONT lets it go on, SIGKILL ends it. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void;
  stop(): Promise<void>;
}

type Addresses = Pick<ChildGateway, "url" | "opsUrl">;

export async function startChildGateway(
  options: GatewayOptions,
  crashAt: CrashPoint | null,
  /** What it sends itself there. */
  signal: "SIGKILL" | "SIGSTOP" = "SIGKILL",
): Promise<ChildGateway> {
  const script = fileURLToPath(new URL("./gateway-child.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--import", "tsx", script, JSON.stringify({ options, crashAt, signal })],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = once(child, "exit").then(() => undefined);
  const lines = createInterface({ input: child.stdout });
  const { url, opsUrl } = await new Promise<Addresses>((resolve, reject) => {
    lines.on("line", (line) => {
      if (!line.startsWith('{"url"')) return;
      resolve(JSON.parse(line) as Addresses);
    });
    void exited.then(() => {
      reject(new Error(`a child gateway ended before it listened:\n${stderr}`));
    });
  });
  return {
    url,
    opsUrl,
    pid: child.pid ?? 0,
    exited,
    reached: () => crashAt !== null && stderr.includes(`reached ${crashAt}`),
    log: () => stderr,
    signal: (name) => {
      child.kill(name);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(late);
    },
  };
}
