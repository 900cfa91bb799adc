import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exitCodes } from "../../sdk/cli/src/exit-code.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { portOf } from "../harness/port-of.ts";
import { runCli } from "./run-cli.ts";

const token = "secret-of-the-test";
let gateway: ScriptedHandler;
let env: Record<string, string>;

beforeAll(async () => {
  gateway = await startScriptedHandler();
  env = { NEXUS_MESH_URL: gateway.url, NEXUS_MESH_TOKEN: token };
});
afterAll(() => gateway.close());

function problem(status: number, more: Record<string, unknown> = {}): void {
  gateway.script({
    status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ status, code: "SOME_CODE", detail: "it went wrong", ...more }),
  });
}

test("an error is its detail, where it was wrong, and the hint", async () => {
  problem(400, {
    hint: "do it otherwise",
    errors: [{ pointer: "/target/url", rule: "format", detail: "must be a URL" }],
  });
  expect(await runCli(["endpoint", "get", "hello"], { env })).toMatchObject({
    code: 2,
    stdout: "",
    stderr: "error: it went wrong\n  /target/url: must be a URL\nhint: do it otherwise\n",
  });
});

test.each([
  [400, exitCodes.usage],
  [413, exitCodes.usage],
  [401, exitCodes.notAllowed],
  [403, exitCodes.notAllowed],
  [404, exitCodes.notFound],
  [409, exitCodes.conflict],
  [412, exitCodes.conflict],
  [429, exitCodes.unavailable],
  [503, exitCodes.unavailable],
  [500, exitCodes.failure],
])("status %i", async (status, { code }) => {
  problem(status);
  expect((await runCli(["whoami"], { env })).code).toBe(code);
});

test("a header that HTTP can't carry is the command line's fault", async () => {
  const start = ["operation", "start", "e", "s", "o", "--request-id", "\u2192"];
  expect(await runCli(start, { env })).toMatchObject({
    code: exitCodes.usage.code,
    stderr: "error: invalid nexus-request-id header\n",
  });
});

test("an answer of something in between tells by its status", async () => {
  gateway.script({ status: 503, headers: { "content-type": "text/html" }, body: "<h1>busy</h1>" });
  expect(await runCli(["whoami"], { env })).toMatchObject({
    code: exitCodes.unavailable.code,
    stderr: "error: the gateway answered 503\n",
  });
});

test("a gateway that is not there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${portOf(server.address())}`;
  server.close();
  await once(server, "close");
  const gone = await runCli(["whoami"], { env: { ...env, NEXUS_MESH_URL: url } });
  expect(gone.code).toBe(exitCodes.unavailable.code);
  expect(gone.stderr).toContain("the gateway can't be reached");
  expect(gone.stderr).toContain("nexus-mesh context show");
  expect(gone.stderr).not.toContain(token);
});

test("a wrong command line says what is wrong, and sends nothing", async () => {
  const before = gateway.calls.length;
  for (const [args, said] of [
    [["nonsense"], "unknown command 'nonsense'"],
    [["endpoint", "put", "hello"], "either --target or --queue"],
    [["endpoint", "get"], "missing required argument 'name'"],
    [["operation", "start", "e", "s", "o", "--timeout", "soon"], "write a number and a unit"],
    [["operation", "list", "--view", "all"], "write made or served"],
    [["operation", "list", "--limit", "0"], "write a whole number from 1 on"],
    [["operation", "start", "e", "s", "o", "--input", "@/no/such/file"], "can't be read"],
    [["egress", "put", "team", "[{"], "the list of rules is not JSON"],
  ] as const) {
    const { code, stderr } = await runCli(args, { env });
    expect(stderr).toContain(said);
    expect(code, stderr).toBe(exitCodes.usage.code);
  }
  expect(gateway.calls.length).toBe(before);
});

test("help is no error", async () => {
  const help = await runCli(["operation", "--help"]);
  expect(help.code).toBe(0);
  for (const name of [
    "start",
    "get",
    "result",
    "cancel",
    "list",
    "attempts",
    "redrive",
    "terminate",
  ])
    expect(help.stdout).toContain(`\n  ${name} `);
});

test("each exit code has one meaning", () => {
  const codes = Object.values(exitCodes).map(({ code }) => code);
  expect(codes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
