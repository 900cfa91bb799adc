import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  chooseContext,
  contextsPath,
  readContexts,
  saveContext,
} from "../../sdk/cli/src/contexts.ts";
import { runCli } from "./run-cli.ts";

const token = "secret-of-the-test";
let home: string;
let env: Record<string, string>;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "nexus-mesh-cli-"));
  env = { XDG_CONFIG_HOME: home };
});
afterEach(() => rm(home, { recursive: true }));

test("the file lies under XDG_CONFIG_HOME, else under the home's .config", () => {
  expect(contextsPath(env)).toBe(path.join(home, "nexus-mesh", "contexts.json"));
  expect(contextsPath({ HOME: "/home/ann" })).toBe("/home/ann/.config/nexus-mesh/contexts.json");
});

test("only its owner may read the file, also when it was wider before; nothing is left beside it", async () => {
  await saveContext("one", { url: "http://one", token }, env);
  await chmod(contextsPath(env), 0o644);
  await saveContext("two", { url: "http://two", token }, env);
  expect((await stat(contextsPath(env))).mode & 0o777).toBe(0o600);
  expect((await stat(path.dirname(contextsPath(env)))).mode & 0o777).toBe(0o700);
  expect(await readdir(path.dirname(contextsPath(env)))).toEqual(["contexts.json"]);
});

test("set, list, use and show, which never print the token", async () => {
  const set = await runCli(["context", "set", "one", "--url", "http://one/"], {
    env,
    stdin: `${token}\n`,
  });
  expect(set).toMatchObject({ code: 0, stderr: "" });
  const two = ["context", "set", "two", "--url", "http://two", "--namespace", "team"];
  await runCli(two, { env: { ...env, NEXUS_MESH_TOKEN: "another" } });
  expect(await readContexts(env)).toEqual({
    current: "two",
    contexts: {
      one: { url: "http://one", token },
      two: { url: "http://two", token: "another", namespace: "team" },
    },
  });
  expect((await runCli(["context", "use", "one"], { env })).code).toBe(0);
  const list = await runCli(["context", "list"], { env });
  expect(list.stdout.split("\n")).toEqual([
    "NAME  CURRENT  URL         NAMESPACE",
    "one   yes      http://one  -",
    "two   no       http://two  team",
    "",
  ]);
  const json = await runCli(["--json", "context", "list"], { env });
  expect(JSON.parse(json.stdout)).toEqual([
    { name: "one", current: true, url: "http://one", namespace: null },
    { name: "two", current: false, url: "http://two", namespace: "team" },
  ]);
  const show = await runCli(["context", "show"], { env });
  expect(show.stdout).toBe("url        http://one\nnamespace  -\n");
  for (const { stdout, stderr } of [set, list, json, show])
    expect(stdout + stderr).not.toContain(token);
});

test("environment variables win over the current context, and a named context over them", async () => {
  await saveContext("saved", { url: "http://saved", token, namespace: "team" }, env);
  expect(await chooseContext(undefined, env)).toEqual({
    url: "http://saved",
    token,
    namespace: "team",
  });
  const both = { ...env, NEXUS_MESH_URL: "http://env", NEXUS_MESH_TOKEN: "from-env" };
  expect(await chooseContext(undefined, both)).toMatchObject({
    url: "http://env",
    token: "from-env",
  });
  expect(await chooseContext("saved", both)).toMatchObject({ url: "http://saved", token });
  const namespace = { ...env, NEXUS_MESH_NAMESPACE: "other" };
  expect(await chooseContext(undefined, namespace)).toMatchObject({ namespace: "other" });
});

test("a token alone in the environment replaces the saved one", async () => {
  await saveContext("saved", { url: "http://saved", token }, env);
  expect(await chooseContext(undefined, { ...env, NEXUS_MESH_TOKEN: "from-env" })).toMatchObject({
    url: "http://saved",
    token: "from-env",
  });
});

test("a URL alone in the environment is refused: a saved token goes nowhere but where it was saved for", async () => {
  await saveContext("saved", { url: "http://saved", token }, env);
  const refused = await runCli(["whoami"], { env: { ...env, NEXUS_MESH_URL: "http://env" } });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("NEXUS_MESH_URL is set without NEXUS_MESH_TOKEN");
});

test("what is missing or broken is said plainly", async () => {
  const none = await runCli(["whoami"], { env });
  expect(none.code).toBe(2);
  expect(none.stderr).toContain("nexus-mesh context set NAME --url URL");
  expect(await runCli(["context", "use", "nowhere"], { env })).toMatchObject({
    code: 2,
    stderr: 'error: there is no context "nowhere"\n',
  });
  const empty = await runCli(["context", "set", "one", "--url", "http://one"], { env });
  expect(empty).toMatchObject({ code: 2 });
  expect(empty.stderr).toContain("no token came");
  const badUrl = await runCli(["context", "set", "one", "--url", "one"], { env, stdin: token });
  expect(badUrl).toMatchObject({ code: 2, stderr: 'error: "one" is not a URL\n' });
  await saveContext("one", { url: "http://one", token }, env);
  await writeFile(contextsPath(env), "{");
  const broken = await runCli(["context", "list"], { env });
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain("is not JSON: mend or delete it");
});
