import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { seedAdminToken, seedNamespace } from "../harness/seed.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let gateway: TestGateway;
let handler: ScriptedHandler;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "nexus-mesh-cli-"));
  handler = await startScriptedHandler({
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"text":"Hello, World!"}',
  });
  gateway = await startGateway();
  await seedNamespace(gateway, "dev");
});
afterAll(async () => {
  await gateway.close();
  await handler.close();
  await rm(home, { recursive: true });
});

/** The command as `npm ci` links it. */
async function command(args: readonly string[], input = "") {
  const child = spawn(path.join(root, "node_modules", ".bin", "nexus-mesh"), args, {
    cwd: home,
    env: { PATH: process.env["PATH"], XDG_CONFIG_HOME: home },
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

test("the linked command: context, namespace, endpoint, grant, start and its answer", async () => {
  const token = await seedAdminToken(gateway);
  const context = ["context", "set", "dev", "--url", gateway.url, "--namespace", "dev"];
  expect(await command(context, token)).toMatchObject({ code: 0, stderr: "" });
  const put = ["endpoint", "put", "hello", "--target", handler.url, "--owner", "dev"];
  expect(await command(put)).toMatchObject({ code: 0, stderr: "" });
  expect(await command(["grant", "put", "hello", "--caller", "dev"])).toMatchObject({ code: 0 });
  const start = ["operation", "start", "hello", "greeting", "hello"];
  expect(await command([...start, "--input", '{"name":"World"}', "--wait"])).toMatchObject({
    code: 0,
    stdout: '{"text":"Hello, World!"}\n',
  });
  expect(handler.calls.at(-1)?.body.toString()).toBe('{"name":"World"}');
  expect(await command(["endpoint", "get", "nowhere"])).toMatchObject({ code: 7, stdout: "" });
});
