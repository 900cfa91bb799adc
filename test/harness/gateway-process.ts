import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { testMasterKey } from "./gateway.ts";
import { waitFor } from "./wait-for.ts";

export interface GatewayProcess {
  readonly url: string;
  readonly opsUrl: string;
  readonly pid: number;
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** The exit status, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  close(): Promise<void>;
}

const bin = fileURLToPath(new URL("../../gateway/bin/nexus-mesh-gateway.js", import.meta.url));

/** The gateway as its users run it, for tests that kill it. Ready when this resolves. */
export async function startGatewayProcess(given: {
  databaseUrl: string;
  port?: number;
  publicUrl?: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}): Promise<GatewayProcess> {
  const port = given.port ?? (await freePort());
  const opsPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    process.execPath,
    [
      ...[bin, "serve", "--port", String(port), "--ops-port", String(opsPort)],
      ...["--public-url", given.publicUrl ?? url, "--allow-unsafe-database", ...(given.args ?? [])],
    ],
    {
      env: {
        ...process.env,
        DATABASE_URL: given.databaseUrl,
        NEXUS_MESH_MASTER_KEY: testMasterKey,
        ...given.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let ended = false;
  const exited = once(child, "exit").then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
    ended = true;
    return code ?? signal ?? 1;
  });
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  await waitFor(
    "a gateway process to be ready",
    async () => {
      if (ended) throw new Error(`the gateway ended:\n${output}`);
      return isReady(opsUrl);
    },
    { ms: 20_000, every: 50 },
  );
  return {
    url,
    opsUrl,
    pid: child.pid ?? 0,
    log: () => output,
    signal: (signal) => child.kill(signal),
    exited,
    close: async () => {
      if (ended) return;
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 16_000);
      await exited;
      clearTimeout(late);
    },
  };
}

async function isReady(opsUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}
