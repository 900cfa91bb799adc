import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitFor } from "../harness/wait-for.ts";

const bin = fileURLToPath(new URL("../../gateway/bin/nexus-mesh-gateway.js", import.meta.url));
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
/** Of what has to be removed, Postgres's own folders outside of `parent` included. */
const folders: string[] = [];
let parent: string;
let stop: (() => Promise<number | null>) | undefined;

if (!isRoot)
  process.stderr.write(
    "SKIPPED: test/dev/unprivileged.test.ts starts others' gateways, which takes root\n",
  );

describe.runIf(isRoot)("started by root (skipped as anyone else)", () => {
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), "nexus-mesh-unprivileged-"));
    folders.push(parent);
  });
  afterEach(async () => {
    await stop?.();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  test("serve --dev serves another user in that user's own home", async ({ skip }) => {
    skip(
      !(await passable(bin)),
      "SKIPPED: this checkout is in a folder that other users can't pass",
    );
    await chmod(parent, 0o755);
    const home = path.join(parent, "home");
    await mkdir(home, { mode: 0o700 });
    await chown(home, nobody, nobody);
    const gateway = await serveDev(home, { uid: nobody, gid: nobody });
    expect(await health(gateway.url)).toBe(200);
    expect(gateway.dataDir).toBe(path.join(home, "data", "postgres"));
    expect((await stat(gateway.dataDir)).uid).toBe(nobody);
    expect(await gateway.stop()).toBe(0);
  });

  test("serve --dev serves root in a home that others can't pass, and says where Postgres lives instead", async () => {
    const home = path.join(parent, "home");
    await mkdir(home, { mode: 0o700 });
    const gateway = await serveDev(home, {});
    expect(await health(gateway.url)).toBe(200);
    const elsewhere = path.dirname(gateway.dataDir);
    expect(path.relative(parent, elsewhere)).toMatch(/^\.\./);
    expect(await passable(gateway.dataDir)).toBe(true);
    expect((await stat(gateway.dataDir)).uid).toBe(nobody);
    // The key that opens the secrets stays in the closed home.
    expect((await stat(path.join(home, "data", "master-key"))).mode & 0o777).toBe(0o600);
    expect(await gateway.stop()).toBe(0);
    await rm(elsewhere, { recursive: true });
    // Theirs only as long as nothing else is in it.
    await rmdir(path.dirname(elsewhere)).catch(() => undefined);
  });
});

async function serveDev(
  home: string,
  user: { uid?: number; gid?: number },
): Promise<{ url: string; dataDir: string; stop(): Promise<number | null> }> {
  const port = await freePort();
  const ports = ["--port", String(port), "--ops-port", String(await freePort())];
  const child = spawn(
    process.execPath,
    [bin, "serve", "--dev", ...ports, "--data-dir", path.join(home, "data")],
    {
      ...user,
      cwd: home,
      env: { PATH: process.env["PATH"], HOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, "exit").then(([code]: (number | null)[]) => code ?? null);
  stop = () => {
    child.kill("SIGINT");
    return exited;
  };
  const dataDir = await waitFor(
    "the gateway to say where its data are",
    () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${output}`);
      return /^Data: +(\S+)[^]*^Ctrl-C stops/m.exec(output)?.[1];
    },
    { ms: 60_000 },
  );
  if (path.relative(home, dataDir).startsWith("..")) folders.push(path.dirname(dataDir));
  return { url: `http://127.0.0.1:${port}`, dataDir, stop };
}

async function health(url: string): Promise<number> {
  const response = await fetch(`${url}/healthz`);
  await response.arrayBuffer();
  return response.status;
}

/** Others than its owner can get to it. */
async function passable(file: string): Promise<boolean> {
  for (let current = path.dirname(file); ; current = path.dirname(current)) {
    if (((await stat(current)).mode & 0o001) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}
