import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createAdminClient } from "@nexus-mesh/sdk/admin";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readMeshFile } from "../../sdk/cli/src/mesh-file.ts";
import { nameOf, planMesh, takeStep } from "../../sdk/cli/src/mesh-plan.ts";
import { readMeshState } from "../../sdk/cli/src/mesh-state.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedAdminToken, seedToken } from "../harness/seed.ts";
import { runCli, type CliRun, type CliSetting } from "./run-cli.ts";

let gateway: TestGateway;
let folder: string;
let file: string;
let env: Record<string, string>;
const cli = (args: readonly string[], more: CliSetting = {}) => runCli(args, { env, ...more });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "nexus-mesh-apply-"));
  file = path.join(folder, "mesh.yaml");
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  gateway = await startGateway();
  env = { NEXUS_MESH_URL: gateway.url, NEXUS_MESH_TOKEN: await seedAdminToken(gateway) };
  return () => gateway.close();
});

const whole = `
namespaces:
  insights:
    description: The data team
    egress:
      - host: \${TARGET_HOST:-127.0.0.1}
        ports: [0]
        cidrs: [127.0.0.0/8]
        plainHttp: true
  storefront: {}
endpoints:
  analytics:
    owner: insights
    description: |
      # Analytics
      Costs 5$$ a call.
    target: { kind: http, url: "http://127.0.0.1:9/\${STAGE}" }
    policy: { scheduleToClose: 60m, durable: true }
    grants:
      storefront-profiles: { caller: storefront, service: profiles }
      everyone: { caller: "*" }
`;

async function apply(text: string, args: readonly string[] = [], stage = "live"): Promise<CliRun> {
  await writeFile(file, text);
  return cli(["apply", "-f", file, ...args], { env: { ...env, STAGE: stage } });
}

async function applied(
  text: string,
  args: readonly string[] = [],
  stage?: string,
): Promise<CliRun> {
  const done = await apply(text, args, stage);
  expect(done.code, done.stderr).toBe(0);
  return done;
}

async function json<T>(...args: string[]): Promise<T> {
  const done = await cli(["--json", ...args]);
  expect(done.code, done.stderr).toBe(0);
  return JSON.parse(done.stdout) as T;
}

test("a first apply makes all of it, a second finds nothing to do", async () => {
  const first = await applied(whole);
  expect(first.stdout).toMatch(/^\+ namespace insights$/m);
  expect(first.stdout).toMatch(/^~ egress of insights$/m);
  expect(first.stdout).toMatch(/^ {4}target.url: "http:\/\/127.0.0.1:9\/live"$/m);
  expect(first.stdout).toMatch(/^plan: 5 to create, 1 to change, 0 to delete$/m);
  expect(first.stderr).toBe("applied: 5 to create, 1 to change, 0 to delete\n");
  expect(await json("endpoint", "get", "analytics")).toMatchObject({
    owner: "insights",
    description: "# Analytics\nCosts 5$ a call.\n",
    target: { kind: "http", url: "http://127.0.0.1:9/live" },
    policy: { scheduleToClose: "3600s", durable: true, inlineWait: "1s", maxAttempts: null },
  });
  expect(await json("grant", "list", "analytics")).toMatchObject([
    { id: "everyone", caller: "*", service: "*", operation: "*" },
    { id: "storefront-profiles", caller: "storefront", service: "profiles", operation: "*" },
  ]);
  expect(await json("egress", "get", "insights")).toMatchObject({
    rules: [{ host: "127.0.0.1", ports: [0], cidrs: ["127.0.0.0/8"], plainHttp: true }],
  });
  for (const args of [[], ["--dry-run"], ["--prune"]])
    expect((await applied(whole, args)).stdout).toBe("nothing to change\n");
});

test("a dry run says what would change, changes nothing and exits with 2", async () => {
  expect(await apply(whole, ["--dry-run"])).toMatchObject({ code: 2, stderr: "" });
  expect(await json("namespace", "list")).toEqual([]);
  await applied(whole);
  const { version } = await json<{ version: number }>("endpoint", "get", "analytics");
  const changed = await apply(whole, ["--dry-run"], "next");
  expect(changed).toMatchObject({ code: 2, stderr: "" });
  expect(changed.stdout).toBe(
    `~ endpoint analytics\n    target.url: "http://127.0.0.1:9/live" → "http://127.0.0.1:9/next"\nplan: 0 to create, 1 to change, 0 to delete\n`,
  );
  expect(await json("endpoint", "get", "analytics")).toMatchObject({ version });
});

test("the plan as JSON", async () => {
  await writeFile(file, "namespaces: { insights: {} }");
  const { stdout } = await cli(["--json", "apply", "-f", file]);
  expect(JSON.parse(stdout)).toMatchObject({
    steps: [{ action: "create", kind: "namespace", name: "insights" }],
    unnamed: [],
  });
});

test("what is left out has its default again", async () => {
  await applied(whole);
  const bare = whole
    .replace("policy: { scheduleToClose: 60m, durable: true }", "policy: { durable: true }")
    .replace("service: profiles", 'operation: "get*"');
  await applied(bare);
  expect(await json("endpoint", "get", "analytics")).toMatchObject({
    policy: { scheduleToClose: "86400s", durable: true },
  });
  expect(await json("grant", "list", "analytics")).toContainEqual(
    expect.objectContaining({ id: "storefront-profiles", service: "*", operation: "get*" }),
  );
});

test("an endpoint may move to a queue and back", async () => {
  await applied(whole);
  const queued = whole.replace(/target: \{.*\}/, "target: { kind: queue, queue: jobs }");
  expect((await applied(queued)).stdout).toMatch(/^ {4}target\.kind: "http" → "queue"$/m);
  expect((await applied(queued)).stdout).toBe("nothing to change\n");
  expect((await cli(["export"])).stdout).toContain("queue: jobs");
  expect((await applied(whole)).stdout).toMatch(/^ {4}target\.queue: "jobs" → -$/m);
});

test("only --prune deletes: of the file's teams, or all", async () => {
  await applied(whole);
  await applied(
    'namespaces: { others: { egress: [{ host: 127.0.0.1, ports: [0], cidrs: [127.0.0.0/8], plainHttp: true }] } }\nendpoints: { theirs: { owner: others, target: { kind: http, url: "http://127.0.0.1:9" } } }',
  );
  await applied(whole.replace("  analytics:", "  reports:").replace("everyone:", "all:"));
  // Now insights owns analytics and reports, and the file names one of them.
  const named = whole.replace('      everyone: { caller: "*" }\n', "");
  const kept = await applied(named);
  expect(kept.stdout).toMatch(/^ {2}grant everyone of analytics is not in the file and stays/m);
  expect(kept.stdout).toMatch(/^ {2}endpoint reports is not in the file and stays/m);
  expect(kept.stdout).not.toContain("theirs");
  expect(await json("endpoint", "list")).toHaveLength(3);

  expect((await apply(named, ["--dry-run", "--prune"])).code).toBe(2);
  const pruned = await applied(named, ["--prune"]);
  expect(pruned.stdout).toMatch(/^- grant everyone of analytics$/m);
  expect(pruned.stdout).toMatch(/^- endpoint reports$/m);
  const names = async (kind: string) =>
    (await json<{ name: string }[]>(kind, "list")).map(({ name }) => name).sort();
  expect(await names("endpoint")).toEqual(["analytics", "theirs"]);

  await applied(named, ["--prune", "all"]);
  expect(await names("endpoint")).toEqual(["analytics"]);
  expect(await names("namespace")).toEqual(["insights", "storefront"]);
  expect(await json("grant", "list", "analytics")).toHaveLength(1);
}, 30_000);

test("an export is a file whose apply changes nothing, here and elsewhere", async () => {
  await applied(whole);
  const exported = path.join(folder, "exported.yaml");
  expect(await cli(["export", "-o", exported])).toMatchObject({ code: 0, stdout: "", stderr: "" });
  const text = await readFile(exported, "utf8");
  expect((await cli(["export"])).stdout).toBe(text);
  expect(text).toContain("mesh.schema.json");
  const args = ["apply", "-f", exported, "--prune", "all"];
  expect(await cli(args)).toMatchObject({ code: 0, stdout: "nothing to change\n", stderr: "" });

  const other = await startGateway();
  try {
    const elsewhere = {
      NEXUS_MESH_URL: other.url,
      NEXUS_MESH_TOKEN: await seedAdminToken(other),
    };
    expect((await cli(args, { env: elsewhere })).code).toBe(0);
    expect((await cli(["export"], { env: elsewhere })).stdout).toBe(text);
  } finally {
    await other.close();
  }
});

test("a team exports and applies its own with its own token", async () => {
  await applied(whole);
  const owner = { ...env, NEXUS_MESH_TOKEN: await seedToken(gateway, "insights", "owner") };
  const { stdout } = await cli(["export", "--owner", "insights"], { env: owner });
  expect(stdout).not.toContain("storefront:");
  const changed = stdout.replace("durable: true", "durable: false");
  const done = await cli(["apply", "-f", "-"], { env: owner, stdin: changed });
  expect(done.stdout).toBe(
    "~ endpoint analytics\n    policy.durable: true → false\nplan: 0 to create, 1 to change, 0 to delete\n",
  );
  expect(done.code, done.stderr).toBe(0);
  const again = await cli(["apply", "-f", "-"], { env: owner, stdin: changed });
  expect(again.stdout).toBe("nothing to change\n");
});

test("what the API refuses is named by its line too, and what was done before it", async () => {
  const text = `namespaces:
  insights: {}
endpoints:
  analytics:
    owner: insights
    target:
      kind: http
      url: ftp://x
`;
  const { code, stderr } = await apply(text);
  expect(code).toBe(2);
  expect(stderr).toContain(`${file}:4:3: endpoint analytics: `);
  expect(stderr).toMatch(/mesh\.yaml:8:7: \/target\/url .+ \(rule: url\)/);
  expect(stderr).toContain("1 of 2 steps are done; mend it and apply again");
  expect(stderr).toMatch(/^hint: /m);
  await applied(text.replace("ftp://x", "https://example.com"));
});

test("somebody else's change in between is not overwritten", async () => {
  await applied(whole);
  const admin = createAdminClient({ url: gateway.url, token: env["NEXUS_MESH_TOKEN"] ?? "" });
  const { mesh } = readMeshFile(whole, file, { STAGE: "next" });
  const all = { egress: () => true, grants: () => true };
  const { steps } = planMesh(mesh, await readMeshState(admin, all), undefined);
  const theirs = ["endpoint", "put", "analytics", "--target", "http://127.0.0.1:9/theirs"];
  expect((await cli(theirs)).code).toBe(0);
  expect(steps.map(nameOf)).toEqual(["endpoint analytics"]);
  for (const step of steps)
    await expect(takeStep(admin, step)).rejects.toMatchObject({ code: "VERSION_CONFLICT" });
  expect(await json("endpoint", "get", "analytics")).toMatchObject({
    target: { url: "http://127.0.0.1:9/theirs" },
  });
});

test("a file that is wrong changes nothing and exits with 1", async () => {
  const { code, stdout, stderr } = await apply("namespaces:\n  insights: {}\n  In sights: {}");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe(
    `error: ${file}:3:3: /namespaces/In sights as a name must match pattern "^[a-z][a-z0-9-]*[a-z0-9]$" (rule: pattern)\n`,
  );
  expect(await json("namespace", "list")).toEqual([]);
});

test("the README's file is one", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const text = /```yaml\n(# mesh\.yaml\n[^`]*)```/.exec(readme)?.[1] ?? "";
  const { code, stdout, stderr } = await apply(text, ["--dry-run"], "next");
  expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
  expect(stdout).toContain("https://analytics.next.insights.example.com/nexus");
  expect(stdout).toMatch(/^plan: 4 to create, 1 to change, 0 to delete$/m);
});
