import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { waitFor } from "../harness/wait-for.ts";

const bin = fileURLToPath(new URL("../../gateway/bin/nexus-mesh-gateway.js", import.meta.url));
let folder: string;
let port: number;
/** What a failed test left running, Postgres included. */
const running = new Set<() => Promise<void>>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "nexus-mesh-dev-"));
  await chmod(folder, 0o755);
  port = await freePort();
});
afterAll(async () => {
  for (const stop of running) await stop();
  await rm(folder, { recursive: true, force: true });
});

describe("serve --dev", () => {
  it("says what it made, keeps it over a restart, and stops on SIGINT with exit 0", async () => {
    const first = startDev();
    await waitFor("the first start", () => first.said("Ctrl-C stops"), { ms: 60_000 });
    for (const text of ["/docs", "Data:", "Master key:", "a new admin token was saved"])
      expect(first.output()).toContain(text);
    const contexts = path.join(folder, "config", "nexus-mesh", "contexts.json");
    for (const file of [contexts, path.join(folder, "data", "master-key")])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { token } = await savedContext(contexts);
    const put = await fetch(`http://127.0.0.1:${port}/v1/namespaces/kept`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
    });
    expect(put.status).toBe(201);

    const second = startDev();
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`port ${port} is taken`);

    first.signal("SIGINT");
    expect(await first.exited).toBe(0);

    const again = startDev();
    await waitFor("the second start", () => again.said("Ctrl-C stops"), { ms: 60_000 });
    expect(again.output()).toContain("its token is still valid");
    const kept = await fetch(`http://127.0.0.1:${port}/v1/namespaces/kept`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(kept.status).toBe(200);
    again.signal("SIGTERM");
    expect(await again.exited).toBe(0);
  }, 120_000);
});

async function savedContext(file: string): Promise<{ token: string }> {
  const { contexts } = JSON.parse(await readFile(file, "utf8")) as {
    contexts: Record<string, { token: string }>;
  };
  const { dev } = contexts;
  if (dev === undefined) throw new Error("no context dev was saved");
  return dev;
}

function startDev() {
  const args = ["serve", "--dev", "--port", String(port), "--data-dir", path.join(folder, "data")];
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, XDG_CONFIG_HOME: path.join(folder, "config") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let ended = false;
  const exited = once(child, "exit").then(([code]: (number | null)[]) => {
    ended = true;
    running.delete(stop);
    return code;
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  running.add(stop);
  return {
    exited,
    output: () => output,
    said(text: string): boolean {
      if (ended) throw new Error(`it ended:\n${output}`);
      return output.includes(text);
    },
    signal: (signal: NodeJS.Signals) => child.kill(signal),
  };
}
