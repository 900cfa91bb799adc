import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const packages = ["openapi", "sdk", "registry", "gateway"];
const run = promisify(execFile);
let copy: string;

const bin = (name: string) => path.join(root, "node_modules/.bin", name);

beforeAll(async () => {
  copy = await mkdtemp(path.join(tmpdir(), "nexus-mesh-planted-"));
  for (const name of [...packages, "tsconfig.base.json", "package.json", ".prettierrc.json"]) {
    await cp(path.join(root, name), path.join(copy, name), {
      recursive: true,
      preserveTimestamps: true,
      filter: (source) => path.basename(source) !== "node_modules",
    });
  }
  const modules = path.join(copy, "node_modules");
  await mkdir(path.join(modules, "@nexus-mesh"), { recursive: true });
  for (const entry of await readdir(path.join(root, "node_modules"))) {
    if (entry === "@nexus-mesh") continue;
    await symlink(path.join(root, "node_modules", entry), path.join(modules, entry));
  }
  for (const name of packages) {
    await symlink(path.join(copy, name), path.join(modules, "@nexus-mesh", name));
  }
  await symlink(path.join(copy, "sdk/cli"), path.join(modules, "@nexus-mesh/cli"));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

test("a field that leaves a schema no longer compiles in gateway, SDK and CLI", async () => {
  expect(await brokenFolders()).toEqual([]);
  const schema = path.join(copy, "gateway/src/routes/v1/schemas/problem.ts");
  const text = await readFile(schema, "utf8");
  const field = /^ {4}hint: \{.*\},\n/m;
  expect(text).toMatch(field);
  await writeFile(schema, text.replace(field, ""));
  await run(bin("tsx"), ["openapi/generate.ts"], { cwd: copy });
  expect(await brokenFolders()).toEqual(["gateway/src", "sdk/cli/src", "sdk/src"]);
}, 240_000);

/** Where the compiler finds something. */
async function brokenFolders(): Promise<string[]> {
  const output = await run(bin("tsc"), ["-b", "sdk/cli", "gateway"], { cwd: copy }).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout: string }).stdout,
  );
  const folders = [...output.matchAll(/^(\S+\/src)\/\S+\(\d+,\d+\): error/gm)];
  return [...new Set(folders.map(([, folder]) => folder ?? ""))].sort();
}
