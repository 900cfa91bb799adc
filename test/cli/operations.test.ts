import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCallbackReceiver, type CallbackReceiver } from "../harness/callback-receiver.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { seedTwoTeams } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { runCli, type CliRun, type CliSetting } from "./run-cli.ts";

const binary = Buffer.from([0, 255, 34, 128]);
let gateway: TestGateway;
let handler: ScriptedHandler;
let receiver: CallbackReceiver;
let caller: Record<string, string>;
let owner: Record<string, string>;
const cli = (args: readonly string[], more: CliSetting = {}) =>
  runCli(args, { env: caller, ...more });

beforeAll(async () => {
  receiver = await startCallbackReceiver();
  // The operation's name says what the handler does.
  handler = await startScriptedHandler(({ url, body, headers }, response) => {
    const asked = url.split("?")[0] ?? "";
    const json = { "content-type": "application/json" };
    if (asked.endsWith("/echo"))
      response
        .writeHead(200, { "content-type": headers["content-type"] ?? "text/plain" })
        .end(body);
    else if (asked.endsWith("/binary"))
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(binary);
    else if (asked.endsWith("/fail"))
      response
        .writeHead(424, { ...json, "nexus-operation-state": "failed" })
        .end('{"message":"no such order"}');
    else if (asked.endsWith("/canceled"))
      response
        .writeHead(424, { ...json, "nexus-operation-state": "canceled" })
        .end('{"message":"called off"}');
    else if (asked.endsWith("/down")) response.writeHead(503).end();
    else response.writeHead(201, json).end('{"token":"t","state":"running"}');
  });
  gateway = await startGateway();
  const tokens = await seedTwoTeams(gateway, handler.url, { maxAttempts: 1 });
  caller = { NEXUS_MESH_URL: gateway.url, NEXUS_MESH_TOKEN: tokens.callerToken };
  owner = { ...caller, NEXUS_MESH_TOKEN: tokens.ownerToken };
});
afterAll(async () => {
  await gateway.close();
  await handler.close();
  await receiver.close();
});

const start = (operation: string, ...more: string[]) => [
  ...["operation", "start", "analytics", "profiles", operation],
  ...more,
];

async function ok(args: readonly string[], more: CliSetting = {}): Promise<CliRun> {
  const done = await cli(args, more);
  expect(done.code, done.stderr).toBe(0);
  return done;
}

async function started(operation: string, ...more: string[]): Promise<string> {
  return (await ok(start(operation, ...more))).stdout.trim();
}

async function get(id: string): Promise<Record<string, unknown>> {
  const { stdout } = await ok(["--json", "operation", "get", id]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const inState = (id: string, state: string) =>
  waitFor(`operation ${id} to be ${state}`, async () => (await get(id))["state"] === state);

describe("operation start", () => {
  test("--wait prints the result alone on stdout", async () => {
    const done = await ok(start("echo", "--input", '{"name":"World"}', "--wait"));
    expect(done.stdout).toBe('{"name":"World"}\n');
    expect(done.stderr).toMatch(/^operation [0-9a-f-]{36}\n/);
  });

  test("takes its input from stdin, of any type", async () => {
    const more = ["--input", "-", "--content-type", "text/csv", "--wait"];
    expect((await ok(start("echo", ...more), { stdin: "a,b\n" })).stdout).toBe("a,b\n");
  });

  test("--wait leaves a result's bytes as they are", async () => {
    expect((await ok(start("binary", "--wait"))).bytes).toEqual(binary);
  });

  test("with a request id attaches to the first, and says so", async () => {
    const id = await started("echo", "--request-id", "order-1");
    expect(await started("echo", "--request-id", "order-1")).toBe(id);
    const again = await ok(start("echo", "--request-id", "order-1", "--wait"));
    expect(again.stderr).toContain(`operation ${id} (started before with this request id)`);
    const other = await cli(start("echo", "--request-id", "order-1", "--input", "2"));
    expect(other.code, other.stderr).toBe(8);
  });

  test("--timeout is the operation's deadline", async () => {
    const id = await started("async", "--timeout", "2h");
    const { createdAt, closeBy } = await get(id);
    const ms = Date.parse(String(closeBy)) - Date.parse(String(createdAt));
    expect(Math.round(ms / 60_000)).toBe(120);
  });

  test("a refusal names what would allow it", async () => {
    const refused = await cli(start("echo"), { env: owner });
    expect(refused.code).toBe(6);
    expect(refused.stderr).toMatch(/^error: .+\nhint: .*grant put analytics --caller insights/);
    expect((await cli(["operation", "start", "nowhere", "s", "o"])).code).toBe(7);
  });

  test("--wait tells failed from canceled, and what the handler said", async () => {
    const failed = await cli(start("fail", "--wait"));
    expect(failed).toMatchObject({ code: 3, stdout: "" });
    expect(failed.stderr).toContain("ended: failed");
    expect(failed.stderr).toContain("no such order");
    const canceled = await cli(start("canceled", "--wait"));
    expect(canceled).toMatchObject({ code: 4, stdout: "" });
    expect(canceled.stderr).toContain("called off");
  });

  test("--wait ends with its own exit code when the time is up, unless the operation has ended", async () => {
    const late = await cli(start("async", "--wait", "--wait-timeout", "1ms"));
    expect(late).toMatchObject({ code: 5, stdout: "" });
    expect(late.stderr).toMatch(/is still \w+; nexus-mesh operation result \S+ --wait/);
    const done = (await ok(start("echo", "--input", "1", "--wait"))).stderr.split(/\s/)[1] ?? "";
    const more = ["--wait", "--wait-timeout", "1ms"];
    expect((await ok(["operation", "result", done, ...more])).stdout).toBe("1\n");
  });
});

describe("an operation", () => {
  test("get shows its fields, result its state until it ends", async () => {
    const id = await started("async");
    await inState(id, "started");
    const { stdout } = await ok(["operation", "get", id]);
    expect(stdout).toMatch(/^state +started$/m);
    expect(stdout).toMatch(/^caller +storefront$/m);
    expect(stdout).not.toContain("[object");
    expect((await cli(["operation", "result", id])).code).toBe(5);
    const done = await started("echo", "--input", "1");
    expect((await ok(["operation", "result", done, "--wait"])).stdout).toBe("1\n");
    expect((await ok(["operation", "result", done])).stdout).toBe("1\n");
  });

  test("cancel is recorded, terminate ends it once", async () => {
    const id = await started("async");
    await inState(id, "started");
    expect((await ok(["operation", "cancel", id])).stdout).toBe(`cancel of ${id} is recorded\n`);
    expect((await get(id))["cancelRequestedAt"]).not.toBeNull();
    const terminate = ["operation", "terminate", id, "--reason", "enough"];
    expect((await cli(terminate)).code).toBe(6);
    await ok(terminate, { env: owner });
    const again = await cli(terminate, { env: owner });
    expect(again.code, again.stderr).toBe(8);
    const result = await cli(["operation", "result", id]);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain("ended: terminated");
    expect(result.stderr).toContain("enough");
  });

  test("attempts and redrive of a parked one", async () => {
    const id = await started("down");
    await inState(id, "parked");
    const { stdout } = await ok(["operation", "attempts", id]);
    expect(stdout).toMatch(/^KIND +N +AT +MS +STATUS +ERROR\nstart +1 +\S+ +\d+ +503 /);
    expect((await ok(["operation", "redrive", id])).stdout).toBe(`${id}\n`);
  });

  test("that is not there", async () => {
    const nobody = "01981f6e-7c1a-7e2b-8d3c-4e5f60718293";
    for (const verb of ["get", "result", "attempts", "cancel", "redrive"])
      expect((await cli(["operation", verb, nobody])).code, verb).toBe(7);
  });
});

test("operation list filters, newest first, up to --limit", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift(await started("listed"));
  await Promise.all(ids.map((id) => inState(id, "started")));
  const listed = async (more: string[], env = caller) => {
    const list = ["--json", "operation", "list", "--operation", "listed", ...more];
    const { stdout } = await ok(list, { env });
    return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
  };
  expect(await listed([])).toEqual(ids);
  expect(await listed(["--limit", "2"])).toEqual(ids.slice(0, 2));
  expect(await listed(["--state", "started", "parked"])).toEqual(ids);
  expect(await listed(["--state", "succeeded"])).toEqual([]);
  expect(await listed(["--endpoint", "analytics", "--service", "profiles"])).toEqual(ids);
  expect(await listed(["--caller", "storefront", "--view", "served"], owner)).toEqual(ids);
  expect(await listed([], owner)).toEqual([]);
  expect(await listed(["--after", "2100-01-01T00:00:00Z"])).toEqual([]);
  expect(await listed(["--before", "2100-01-01T00:00:00Z"])).toEqual(ids);
  const table = await ok(["operation", "list", "--limit", "1", "--operation", "listed"]);
  expect(table.stdout).toMatch(
    /^ID +STATE +ENDPOINT +OPERATION +CALLER +ATTEMPTS +CREATED +CLOSED\n/,
  );
  expect(table.stdout).toContain(` started  analytics  profiles/listed  storefront  1 `);
  expect((await cli(["operation", "list", "--state", "running"])).code).toBe(2);
});

test("callback list, get, redeliver", async () => {
  receiver.answer(503);
  const id = await started("echo", "--input", "1", "--callback", `${receiver.url}?secret=2`);
  interface Listed {
    readonly id: string;
    readonly operationId: string;
  }
  const callback = await waitFor("the callback to be listed", async () => {
    const { stdout } = await ok(["--json", "callback", "list", "--state", "due"]);
    return (JSON.parse(stdout) as Listed[]).find(({ operationId }) => operationId === id);
  });
  const table = await ok(["callback", "list"]);
  expect(table.stdout).toMatch(/^ID +STATE +ATTEMPTS +NEXT +STATUS +ERROR +URL\n/);
  expect(table.stdout).not.toContain("secret=2");
  expect((await ok(["callback", "get", callback.id])).stdout).toMatch(/^lastStatus +503$/m);
  receiver.answer(200);
  await ok(["callback", "redeliver", callback.id]);
  await waitFor("the callback to be delivered", async () => {
    const { code, stdout } = await cli(["callback", "get", callback.id]);
    return code === 7 || /^state +delivered$/m.test(stdout);
  });
});
