import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedEndpoint, seedGrant, seedNamespace, seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { readReadme } from "./readme-tables.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");

let folder: string;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-mesh-tutorial-"));
  gateway = await startGateway();
});

afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

it(
  "installs from tarballs, compiles and runs as the README shows it",
  { timeout: 180_000 },
  async () => {
    const handlerPort = await freePort();
    const files = tutorialFiles(await readReadme()).map(({ name, code }) => ({
      name,
      code: code
        .replaceAll("http://127.0.0.1:7400", gateway.url)
        .replaceAll("7410", String(handlerPort)),
    }));
    expect(files.map((file) => file.name)).toEqual([
      "contract.ts",
      "handler.ts",
      "caller.ts",
      "worker.ts",
    ]);
    for (const { name, code } of files) await writeFile(join(folder, name), code);
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ type: "module", private: true }),
    );
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    await installPackages();
    await run(process.execPath, [tsc, "-p", "."], { cwd: folder }).catch((error: unknown) => {
      throw new Error(`the tutorial does not compile:\n${stdoutOf(error)}`, { cause: error });
    });

    await seedNamespace(gateway, "dev");
    const targetUrl = `http://127.0.0.1:${handlerPort}/nexus`;
    const endpoint = await seedEndpoint(gateway, { name: "hello", owner: "dev", targetUrl });
    await seedGrant(gateway, endpoint, "dev");
    const handler = spawn(process.execPath, ["handler.js"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(handler, "exit");
    let said = "";
    handler.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    try {
      await waitFor("the tutorial's handler to listen", () => said.includes("greeting is served"));
      const { stdout } = await run(process.execPath, ["caller.js"], {
        cwd: folder,
        env: { ...process.env, MESH_TOKEN: await seedToken(gateway, "dev") },
      });
      expect(stdout).toContain("Hello, World!");
      expect(stdout).toContain("Hello, again!");
      expect(stdout).toContain("type: 'outcome'");
    } finally {
      handler.kill("SIGKILL");
      await ended;
    }
  },
);

const compilerOptions = {
  target: "ES2023",
  module: "NodeNext",
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: false,
};

function tutorialFiles(readme: string): { name: string; code: string }[] {
  return [...readme.matchAll(/```ts\n\/\/ ([a-z]+\.ts)\n([^]*?)```/g)].map(([, name, code]) => ({
    name: name ?? "",
    code: code ?? "",
  }));
}

async function installPackages(): Promise<void> {
  const pack = ["pack", "--silent", "-w", "@nexus-mesh/openapi", "-w", "@nexus-mesh/sdk"];
  await run("npm", [...pack, "--pack-destination", folder], { cwd: root });
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  expect(tarballs).toHaveLength(2);
  await run(
    "npm",
    [
      ...["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent"],
      ...tarballs.map((name) => `./${name}`),
      ...["nexus-rpc@0.0.3", "@types/node@20.19.43"],
    ],
    { cwd: folder },
  );
}

function stdoutOf(error: unknown): string {
  return error instanceof Error && "stdout" in error ? String(error.stdout) : "";
}
