import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const manifest = JSON.parse(
  readFileSync(new URL("../../sdk/package.json", import.meta.url), "utf8"),
) as { exports: Record<string, unknown> };
const doors = Object.keys(manifest.exports).filter((door) => !door.includes("*"));

/** Loads the built door in a process of its own and lists the packages that came with it. */
async function packagesOf(door: string): Promise<string[]> {
  const script = `
    import { register } from "node:module";
    const { port1, port2 } = new MessageChannel();
    const loaded = [];
    port1.on("message", (url) => loaded.push(url));
    register("data:text/javascript," + encodeURIComponent(
      "let port; export const initialize = (given) => { port = given; };" +
      "export const load = (url, context, next) => { port.postMessage(url); return next(url, context); };"
    ), { data: port2, transferList: [port2] });
    await import(${JSON.stringify(`@nexus-mesh/sdk${door.slice(1)}`)});
    const { createRequire } = await import("node:module");
    const common = Object.keys(createRequire(import.meta.url).cache);
    await new Promise((resolve) => setImmediate(resolve));
    process.stdout.write(JSON.stringify([...loaded, ...common]));
    port1.close();
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL("..", import.meta.url),
  });
  const urls = JSON.parse(stdout) as string[];
  const names = urls.map((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

test.each(doors)("%s loads neither a web framework nor a database driver", async (door) => {
  const packages = await packagesOf(door);
  expect(packages).not.toContain("fastify");
  expect(packages).not.toContain("pg");
  expect(packages.length).toBeGreaterThan(0);
});

test("the check sees what a module loads", async () => {
  expect(await packagesOf("./client")).toEqual(expect.arrayContaining(["undici", "nexus-rpc"]));
});
