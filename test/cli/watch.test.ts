import type { OperationEvent } from "@nexus-mesh/sdk/admin";
import { completeOperation } from "@nexus-mesh/sdk/complete-operation";
import { reportProgress } from "@nexus-mesh/sdk/report-progress";
import type { Progress } from "@nexus-mesh/sdk/report-progress";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callbackHeadersOf } from "../engine/mesh.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { startTcpProxy, type TcpProxy } from "../harness/proxy.ts";
import { createScreen } from "../harness/screen.ts";
import { seedTwoTeams } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { runCli, type CliSetting } from "./run-cli.ts";

let gateway: TestGateway;
/** In front of the gateway; without an upstream there is no gateway. */
let proxy: TcpProxy;
let handler: ScriptedHandler;
let env: Record<string, string>;
/** What the operation of that name meets at its handler. */
let down = true;

beforeAll(async () => {
  handler = await startScriptedHandler(({ url, headers }, response) => {
    const json = { "content-type": "application/json" };
    const operation = url.split("?")[0]?.split("/").at(-1);
    const attempts = handler.calls.filter(
      (call) => call.headers["nexus-request-id"] === headers["nexus-request-id"],
    );
    if ((operation === "flaky" && attempts.length === 1) || (operation === "down" && down))
      response.writeHead(503, json).end('{"message":"not yet"}');
    else if (operation === "failed" || operation === "canceled")
      response
        .writeHead(424, { ...json, "nexus-operation-state": operation })
        .end('{"message":"no such order"}');
    else response.writeHead(201, json).end('{"token":"t","state":"running"}');
  });
  gateway = await startGateway();
  const { callerToken } = await seedTwoTeams(gateway, handler.url);
  proxy = await startTcpProxy([]);
  gatewayThere(true);
  env = { NEXUS_MESH_URL: proxy.url, NEXUS_MESH_TOKEN: callerToken };
});
afterAll(async () => {
  await proxy.close();
  await gateway.close();
  await handler.close();
});

function gatewayThere(there: boolean): void {
  proxy.setUpstreams(there ? [{ host: "127.0.0.1", port: gateway.options.port }] : []);
  if (!there) proxy.cut();
}

const cli = (args: readonly string[], more: CliSetting = {}) => runCli(args, { env, ...more });
const start = (operation: string) => ["operation", "start", "analytics", "profiles", operation];

async function started(operation: string): Promise<string> {
  return (await cli(start(operation))).stdout.trim();
}

/** What its handler does with the last call of this operation. */
async function handling(id: string) {
  const call = await waitFor("the handler to have started it", () =>
    handler.calls.findLast((one) => one.headers["nexus-mesh-operation-id"] === id),
  );
  const target = {
    operationId: id,
    callbackUrl: new URL(call.url, "http://handler").searchParams.get("callback") ?? "",
    callbackHeaders: callbackHeadersOf(call),
  };
  return {
    report: (progress: Progress) => reportProgress(target, progress),
    complete: () => completeOperation(target, { result: { rows: 3 } }),
  };
}

const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;

describe("operation watch", () => {
  test("elsewhere than on a terminal writes a line for each event, with its time", async () => {
    const id = await started("flaky");
    let seen = "";
    const watching = cli(["operation", "watch", id], { screen: (text) => (seen += text) });
    await waitFor("the start", () => seen.includes("started"));
    const { report, complete } = await handling(id);
    await report({ step: 2, of: 5, message: "lesen\n\u001b[2Jaus" });
    await waitFor("the progress", () => seen.includes("2/5"));
    await complete();
    const { code, stdout, stderr } = await watching;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    for (const line of lines) expect(line).toMatch(new RegExp(`^(${time}|- {23})  \\S`));
    const texts = lines
      .map((line) => line.slice(26).replace(/after \d+ ms/, "after N ms"))
      // Between a backoff and the start it is scheduled again, if anybody looks then.
      .filter((line, n) => !line.startsWith("blocked") && (n === 0 || !line.endsWith("scheduled")));
    expect(texts).toEqual([
      "state     scheduled",
      "attempt   start 1: 503 after N ms: UNAVAILABLE: not yet",
      "state     backing_off",
      "state     started",
      "progress  2/5  lesen [2Jaus",
      "outcome   succeeded",
    ]);
  });

  test("with --json writes each event as an object on a line of its own", async () => {
    const id = await started("failed");
    const { code, stdout, stderr } = await cli(["--json", "operation", "watch", id]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as OperationEvent);
    expect(events[0]).toMatchObject({ type: "state", state: "scheduled" });
    expect(events.at(-1)).toMatchObject({ type: "outcome", state: "failed" });
  });

  test("ends with the exit code that tells how, or that it can't be watched", async () => {
    expect((await cli(["operation", "watch", await started("canceled")])).code).toBe(4);
    const nobody = "01981f6e-7c1a-7e2b-8d3c-4e5f60718293";
    expect((await cli(["operation", "watch", nobody])).code).toBe(7);
    const gone = { ...env, NEXUS_MESH_URL: "http://127.0.0.1:1" };
    expect((await cli(["operation", "watch", nobody], { env: gone })).code).toBe(9);
  });

  test("when the time is up or Ctrl-C is pressed says that the operation goes on", async () => {
    const id = await started("async");
    const late = await cli(["operation", "watch", id, "--wait-timeout", "100ms"]);
    expect(late.code).toBe(5);
    expect(late.stderr).toMatch(/is still \w+; nexus-mesh operation watch \S+ watches again\n$/);
    const ctrlC = new AbortController();
    const screen = (text: string) => {
      if (text.includes("started")) ctrlC.abort();
    };
    const left = await cli(["operation", "watch", id], { interrupt: ctrlC.signal, screen });
    expect(left.code).toBe(5);
    expect(left.stderr).toMatch(/goes on, it is started; nexus-mesh operation watch/);
    expect((await cli(["operation", "get", id])).stdout).toMatch(/^state +started$/m);
  });

  test("goes on through an outage and says when it began and when it is over", async () => {
    const id = await started("async");
    let seen = "";
    const watching = cli(["operation", "watch", id], { screen: (text) => (seen += text) });
    await waitFor("the start", () => seen.includes("started"));
    gatewayThere(false);
    const before = proxy.accepted();
    await waitFor("another try in vain", () => proxy.accepted() > before + 1);
    expect(seen).not.toContain("connected again");
    gatewayThere(true);
    await (await handling(id)).complete();
    const { code, stdout, stderr } = await watching;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^no connection, trying again: .+\nconnected again\n$/);
    expect(stdout.match(/ (scheduled|started|succeeded)$/gm)).toHaveLength(3);
  });
});

describe("on a terminal", () => {
  test.each([100, 60, 30])(
    "of %i columns draws one line in place, below what stays",
    async (columns) => {
      const id = await started("async");
      const screen = createScreen(columns);
      const setting = { progressInPlace: true, columns, screen: screen.write };
      const watching = cli(["operation", "watch", id], setting);
      await waitFor("the start", () => screen.lines().at(-1)?.includes("s  started"));
      const { report, complete } = await handling(id);
      await report({ step: 2, of: 4, message: `reading ${"the orders ".repeat(20)}` });
      const live = await waitFor("the progress", () => {
        const last = screen.lines().at(-1) ?? "";
        return last.includes(columns === 30 ? "2/4" : "2/4  reading") && last;
      });
      const bar = { 100: "[##########----------]  ", 60: "[#####-----]  ", 30: "" }[columns] ?? "";
      expect(live).toMatch(/^\d+s {2}started {2}/);
      expect(live.replace(/^\d+s {2}/, "").startsWith(`started  ${bar}2/4  rea`)).toBe(true);
      expect(live).toMatch(/…$/);
      await complete();
      const { code, stdout } = await watching;
      expect(code).toBe(0);
      // The live line is gone, and what it said of progress with it.
      expect(screen.lines().map((line) => line.slice(26, 35).trimEnd())).toEqual([
        ...["state", "state", "outcome"],
      ]);
      expect(stdout).toContain("\u001b[32m");
    },
  );

  test("shows why an operation waits, and no color where there shall be none", async () => {
    const id = await started("down");
    const screen = createScreen(80);
    const setting = { progressInPlace: true, screen: screen.write, env: { ...env, NO_COLOR: "1" } };
    const watching = cli(["operation", "watch", id], setting);
    await waitFor("a wait for the next try", () =>
      /^\d+s {2}backing_off {2}failed tries: \d+ {2}next try in \d+s: /.test(
        screen.drawn.at(-1) ?? "",
      ),
    );
    down = false;
    await waitFor("the start", () => screen.drawn.at(-1)?.includes("s  started  failed tries: "));
    gatewayThere(false);
    await waitFor("the outage", () =>
      / no connection, again in \d+s: /.test(screen.drawn.at(-1) ?? ""),
    );
    gatewayThere(true);
    await waitFor("the end of the outage", () => !screen.drawn.at(-1)?.includes("no connection"));
    await (await handling(id)).complete();
    const { code, stdout, stderr } = await watching;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(/\u001b\[\d/);
  });

  test("writes plain lines where its output goes elsewhere", async () => {
    const id = await started("failed");
    const setting = { progressInPlace: true, outputOnTerminal: false };
    const { stdout, stderr } = await cli(["operation", "watch", id], setting);
    expect(stdout).toMatch(/outcome {3}failed: no such order\n$/);
    expect(stdout + stderr).not.toContain("\u001b");
  });

  test("operation start --wait shows the same on stderr, and the result alone on stdout", async () => {
    const screen = createScreen(80);
    const setting = { progressInPlace: true, screen: screen.write };
    const waiting = cli([...start("async"), "--wait"], setting);
    await waitFor("the start", () => screen.lines().at(-1)?.includes("s  started"));
    const id = /^operation (\S+)/.exec(screen.lines()[0] ?? "")?.[1] ?? "";
    const { report, complete } = await handling(id);
    await report({ step: 1, of: 2 });
    await waitFor("the progress", () => screen.lines().at(-1)?.includes("[##########----------]"));
    await complete();
    expect(await waiting).toMatchObject({ code: 0, stdout: '{"rows":3}\n' });
    expect(screen.lines().at(-2)).toMatch(/outcome {3}succeeded$/);
    expect(screen.lines().at(-1)).toBe('{"rows":3}');
  });
});

test("operation result --wait that is left with Ctrl-C says how to wait again", async () => {
  const id = await started("async");
  const ctrlC = new AbortController();
  const screen = (text: string) => {
    if (text.includes("started")) ctrlC.abort();
  };
  const setting = { interrupt: ctrlC.signal, screen };
  const left = await cli(["operation", "result", id, "--wait"], setting);
  expect(left).toMatchObject({ code: 5, stdout: "" });
  expect(left.stderr).toMatch(/goes on \(started\); nexus-mesh operation result \S+ --wait/);
});
