import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const mark = "NEXUS_MESH_DEMO_MARK";

async function runDemo(
  env: Record<string, string>,
): Promise<{ code: unknown; output: string; left: string[] }> {
  const id = randomUUID();
  const child = spawn("npm", ["run", "--silent", "demo"], {
    cwd: root,
    env: { ...process.env, ...env, [mark]: id },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, left: await processesMarked(id) };
}

/** Every process inherits the mark, however it detached itself. */
async function processesMarked(id: string): Promise<string[]> {
  const left: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    // It ended between the two reads, or belongs to someone else.
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.includes(`${mark}=${id}`)) {
      left.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => pid));
    }
  }
  return left;
}

it("holds in every step and leaves no process behind", { timeout: 120_000 }, async () => {
  const { code, output, left } = await runDemo({});
  expect(output).toContain("Every step held");
  expect(code).toBe(0);
  expect(left).toEqual([]);
});

it("fails when something does not hold", { timeout: 120_000 }, async () => {
  const { code, output, left } = await runDemo({ DEMO_BREAK: "grant" });
  expect(output).toContain("nexus-mesh grant put analytics");
  expect(output).not.toContain("Every step held");
  expect(code).toBe(1);
  expect(left).toEqual([]);
});
