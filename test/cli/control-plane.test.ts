import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedAdminToken } from "../harness/seed.ts";
import { runCli, type CliRun, type CliSetting } from "./run-cli.ts";

let gateway: TestGateway;
let env: Record<string, string>;
const cli = (args: readonly string[], more: CliSetting = {}) => runCli(args, { env, ...more });

beforeAll(async () => {
  gateway = await startGateway();
  env = { NEXUS_MESH_URL: gateway.url, NEXUS_MESH_TOKEN: await seedAdminToken(gateway) };
  await ok(["namespace", "put", "insights", "--description", "data team"]);
  await ok(["namespace", "put", "storefront"]);
});
afterAll(() => gateway.close());

async function ok(args: readonly string[], more: CliSetting = {}): Promise<CliRun> {
  const done = await cli(args, more);
  expect(done.code, done.stderr).toBe(0);
  return done;
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await ok(["--json", ...args])).stdout) as T;
}

test("whoami", async () => {
  expect((await ok(["whoami"])).stdout).toMatch(/^role +admin$/m);
  expect(await json("whoami")).toMatchObject({ role: "admin", subject: "test-admin" });
});

test("namespace list, get, put, delete", async () => {
  expect((await ok(["namespace", "put", "passing"])).stdout).toBe("namespace passing is there\n");
  const { stdout } = await ok(["namespace", "list"]);
  expect(stdout).toMatch(/^NAME +DESCRIPTION +CREATED\n/);
  expect(stdout).toMatch(/^insights +data team +\d{4}-/m);
  expect((await ok(["namespace", "get", "insights"])).stdout).toMatch(/^description +data team$/m);
  await ok(["namespace", "delete", "passing"]);
  expect(await cli(["namespace", "get", "passing"])).toMatchObject({ code: 7, stdout: "" });
});

test("namespace put keeps a description that is not given, and clears it when told so", async () => {
  await ok(["namespace", "put", "described", "--description", "once given"]);
  await ok(["namespace", "put", "described"]);
  const kept = await json("namespace", "get", "described");
  expect(kept).toMatchObject({ description: "once given" });
  expect(await json("namespace", "put", "described")).toEqual(kept);
  await ok(["namespace", "put", "described", "--description", ""]);
  expect(await json("namespace", "get", "described")).toMatchObject({ description: "" });
});

test("token issue, list, revoke: the token is all that issue prints on stdout", async () => {
  const issue = ["token", "issue", "insights", "--role", "viewer", "--subject", "dashboard"];
  const issued = await ok([...issue, "--expires", "30d"]);
  expect(issued.stderr).toContain("not shown again");
  const as = { env: { ...env, NEXUS_MESH_TOKEN: issued.stdout.trim() } };
  expect(JSON.parse((await ok(["--json", "whoami"], as)).stdout)).toMatchObject({
    namespace: "insights",
    role: "viewer",
  });
  const refused = await cli(
    ["token", "issue", "insights", "--role", "viewer", "--subject", "x"],
    as,
  );
  expect(refused).toMatchObject({ code: 6, stdout: "" });
  expect(refused.stderr).toMatch(/^error: .+\nhint: .+\n$/);
  const items = await json<{ id: string; subject: string; expiresAt: string }[]>(
    "token",
    "list",
    "insights",
  );
  const [token] = items.filter(({ subject }) => subject === "dashboard");
  const days = (Date.parse(token?.expiresAt ?? "") - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(30);
  const table = await ok(["token", "list", "insights"]);
  expect(table.stdout).toMatch(/ viewer +dashboard +\d{4}-\S+ +-$/m);
  expect(table.stdout).not.toContain(issued.stdout.trim());
  await ok(["token", "revoke", "insights", token?.id ?? ""]);
  const revoked = await cli(["whoami"], as);
  expect(revoked.code).toBe(6);
  expect(revoked.stderr).not.toContain(issued.stdout.trim());
});

test("egress put replaces the rules that were read, from an argument or stdin", async () => {
  const rules = [{ host: "*.example.com", ports: [443] }];
  await ok(["egress", "put", "storefront", JSON.stringify(rules)]);
  const shown = await ok(["egress", "get", "storefront"]);
  expect(shown.stdout).toMatch(
    /^version \d+\nHOST +PORTS +CIDRS +PLAIN HTTP\n\*\.example\.com +443 /,
  );
  await ok(["egress", "put", "storefront", "-"], { stdin: "[]" });
  expect(await json("egress", "get", "storefront")).toMatchObject({ rules: [] });
  const wrong = await cli(["egress", "put", "storefront", '[{"ports":[443]}]']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("/rules/0");
});

test("endpoint put creates, keeps what is not given, and get, list and delete follow", async () => {
  const loopback = '[{"host":"127.0.0.1","ports":[0],"cidrs":["127.0.0.0/8"],"plainHttp":true}]';
  await ok(["egress", "put", "insights", loopback]);
  const put = ["endpoint", "put", "analytics", "--target", "http://127.0.0.1:7410/nexus"];
  const created = await ok(
    [...put, "--owner", "insights", "--description", "-", "--schedule-to-close", "2h"],
    { stdin: "# Profiles" },
  );
  expect(created.stdout).toBe(
    "endpoint analytics (owner insights) has version 1; its target is http://127.0.0.1:7410/nexus\n",
  );
  await ok([...put, "--max-attempts", "5"]);
  expect(await json("endpoint", "get", "analytics")).toMatchObject({
    version: 2,
    owner: "insights",
    description: "# Profiles",
    policy: { scheduleToClose: "7200s", maxAttempts: 5 },
  });
  expect((await ok(["endpoint", "get", "analytics"])).stdout).toMatch(/^max attempts +5$/m);
  expect((await ok(["endpoint", "list"])).stdout).toMatch(/^analytics +insights +http:\S+ +2 /m);
  expect(await json("endpoint", "list", "--owner", "storefront")).toEqual([]);
  const queued = await ok([
    "endpoint",
    "put",
    "queued",
    "--owner",
    "insights",
    "--queue",
    "reports",
  ]);
  expect(queued.stdout).toContain("its target is queue reports\n");
  expect((await ok(["endpoint", "get", "queued"])).stdout).toMatch(/^target +queue reports$/m);
  expect((await ok(["queue", "list", "insights"])).stdout).toMatch(/^reports +0 +- +0 /m);
  const queue = await ok(["queue", "get", "insights", "reports"]);
  expect(queue.stdout).toMatch(
    /^depth +0\noldest +-\nworkers +0\nCALLER +DEPTH +OLDEST\nWORKER +SEEN\n$/m,
  );
  expect(await json("queue", "get", "insights", "reports")).toMatchObject({ depth: 0 });
  expect(await cli(["queue", "get", "insights", "nope"])).toMatchObject({ code: 7 });
  expect(await cli(["queue", "delete", "insights", "nope"])).toMatchObject({ code: 7 });
  const used = await cli(["queue", "delete", "insights", "reports"]);
  expect(used.code).toBe(8);
  expect(used.stderr).toContain('endpoint "queued" points at it');
  const both = await cli(["endpoint", "put", "queued", "--queue", "a", "--target", "http://a/"]);
  expect(both).toMatchObject({ code: 2 });
  expect(both.stderr).toContain("either --target or --queue");
  const unknown = await cli(["endpoint", "put", "a!", "--target", "http://127.0.0.1:1"]);
  expect(unknown.code, unknown.stderr).toBe(2);
  await ok([
    "endpoint",
    "put",
    "short-lived",
    "--target",
    "http://127.0.0.1:1",
    "--owner",
    "insights",
  ]);
  await ok(["endpoint", "delete", "short-lived"]);
  expect((await cli(["endpoint", "get", "short-lived"])).code).toBe(7);
  expect((await cli(["namespace", "delete", "insights"])).code).toBe(8);
});

test("what endpoint put has set can be taken back, and stays while it is not named", async () => {
  const put = ["endpoint", "put", "undone", "--target", "http://127.0.0.1:7410/nexus"];
  const policy = async () =>
    (await json<{ policy: { durable: boolean; maxAttempts: number | null } }>(...put)).policy;
  await ok([
    ...[...put, "--owner", "insights", "--description", "to be cleared"],
    ...["--durable", "--max-attempts", "5", "--schedule-to-close", "2h"],
  ]);
  expect(await policy()).toMatchObject({ durable: true, maxAttempts: 5 });
  await ok([...put, "--no-durable"]);
  expect(await policy()).toMatchObject({ durable: false, maxAttempts: 5 });
  await ok([...put, "--durable", "--max-attempts", "none"]);
  expect(await policy()).toMatchObject({ durable: true, maxAttempts: null });
  await ok([...put, "--description", ""]);
  expect(await json("endpoint", "get", "undone")).toMatchObject({
    description: "",
    policy: { durable: true, maxAttempts: null, scheduleToClose: "7200s" },
  });
});

test("grant list follows the pages to the last one", async () => {
  const target = ["--target", "http://127.0.0.1:7410/nexus", "--owner", "insights"];
  await ok(["endpoint", "put", "popular", ...target]);
  const { registry } = gateway.context;
  const endpointId = registry.snapshot().endpoints.get("popular")?.id ?? 0;
  const actor = { subject: "test", namespace: null };
  const callers = Array.from({ length: 201 }, (_, n) => `team-${n}`);
  for (const caller of callers) {
    const grant = { id: caller, endpointId, caller, service: "*", operation: "*" };
    await registry.putGrant(grant, actor);
  }
  const listed = await json<{ id: string }[]>("grant", "list", "popular");
  expect(listed.map(({ id }) => id).sort()).toEqual(callers.sort());
});

test("grant put, list, delete, and can-i says yes or what would help", async () => {
  const canI = ["can-i", "analytics", "profiles", "profile", "--as", "storefront"];
  const no = await cli(canI);
  expect(no.code).toBe(6);
  expect(no.stdout).toMatch(/^no\nhint: .*grant put analytics --caller storefront/);
  const granted = await ok(["grant", "put", "analytics", "--caller", "storefront"]);
  expect(granted.stdout).toMatch(
    /^storefront may start \*\/\* on analytics \(grant storefront\.any\.any-[0-9a-f]{8}\)\n$/,
  );
  const id = /\(grant (.*)\)/.exec(granted.stdout)?.[1] ?? "";
  expect((await ok(canI)).stdout).toMatch(/^yes: /);
  expect((await ok(["grant", "list", "analytics"])).stdout).toMatch(
    /^storefront\.any\.any-[0-9a-f]{8} +storefront +\* +\* +\d{4}-/m,
  );
  await ok(["grant", "delete", "analytics", id]);
  expect(await json("grant", "list", "analytics")).toEqual([]);
  expect((await cli(canI)).code).toBe(6);
});

test("secret show and rotate", async () => {
  const shown = (await ok(["secret", "show", "storefront"])).stdout.trim().split("\n");
  const rotated = (await ok(["secret", "rotate", "storefront"])).stdout.trim().split("\n");
  expect(rotated).not.toEqual(shown);
  expect(rotated).toContain(shown[0]);
  for (const secret of rotated) expect(secret).toMatch(/^whsec_/);
});
