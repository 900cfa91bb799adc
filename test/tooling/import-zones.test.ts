import { fileURLToPath } from "node:url";
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const eslint = new ESLint({
  cwd: root,
  // Type information would need each planted file in a tsconfig; these rules read syntax only.
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) =>
    /^(@typescript-eslint\/)?no-restricted-(imports|syntax)$|^no-console$/.test(ruleId),
});

async function rulesBroken(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${root}${filePath}` });
  if (result === undefined) throw new Error(`${filePath} is not linted`);
  // An import may break two patterns of one zone.
  return [...new Set(result.messages.map((message) => message.ruleId ?? message.message))];
}

const forbidden: [file: string, imported: string][] = [
  ["openapi/planted.ts", "@nexus-mesh/sdk/client"],
  ["openapi/planted.ts", "../sdk/src/client.ts"],
  ["sdk/src/planted.ts", "@nexus-mesh/gateway/server"],
  ["sdk/src/planted.ts", "../../registry/src/registry.ts"],
  ["sdk/src/planted.ts", "pg"],
  ["sdk/src/planted.ts", "@nexus-mesh/cli/contexts"],
  ["sdk/src/planted.ts", "../cli/src/main.ts"],
  ["sdk/cli/src/planted.ts", "@nexus-mesh/registry/registry"],
  ["sdk/cli/src/planted.ts", "../../src/admin.ts"],
  ["sdk/cli/src/planted.ts", "fastify"],
  ["sdk/src/protocol/planted.ts", "undici"],
  ["sdk/src/protocol/planted.ts", "node:http"],
  ["sdk/src/protocol/planted.ts", "../client.ts"],
  ["sdk/src/protocol/planted.ts", "@nexus-mesh/openapi/types"],
  ["registry/src/planted.ts", "@nexus-mesh/sdk/client"],
  ["registry/src/planted.ts", "../../gateway/src/options.ts"],
  ["registry/src/planted.ts", "fastify"],
  ["registry/src/planted.ts", "node:http"],
  ["gateway/src/routes/planted.ts", "@nexus-mesh/sdk/client"],
  ["gateway/src/routes/planted.ts", "../../../sdk/src/client.ts"],
  ["gateway/src/store/planted.ts", "../dispatch/exchange.ts"],
  ["gateway/src/store/planted.ts", "undici"],
  ["gateway/src/dispatch/planted.ts", "../routes/nexus.ts"],
  ["gateway/src/dispatch/planted.ts", "pg"],
  ["gateway/src/operations/planted.ts", "../routes/nexus.ts"],
  ["examples/planted.ts", "@nexus-mesh/gateway/server"],
  ["examples/hello/planted.ts", "../../sdk/src/client.ts"],
];

const allowed: [file: string, imported: string][] = [
  ["sdk/src/planted.ts", "@nexus-mesh/openapi/types"],
  ["sdk/src/planted.ts", "./protocol/headers.ts"],
  ["sdk/src/protocol/planted.ts", "nexus-rpc"],
  ["sdk/cli/src/planted.ts", "@nexus-mesh/sdk/admin"],
  ["gateway/src/routes/planted.ts", "@nexus-mesh/sdk/protocol/headers"],
  ["gateway/src/routes/planted.ts", "@nexus-mesh/registry/registry"],
  ["gateway/src/store/planted.ts", "pg"],
  ["examples/planted.ts", "@nexus-mesh/sdk/client"],
  ["test/planted.ts", "../gateway/src/server.ts"],
];

describe("import zones", () => {
  it.each(forbidden)("%s may not import %s", async (file, imported) => {
    const broken = await rulesBroken(file, `import { thing } from "${imported}";\nthing();\n`);
    expect(broken).toEqual(["no-restricted-imports"]);
  });

  it.each(allowed)("%s may import %s", async (file, imported) => {
    expect(await rulesBroken(file, `import { thing } from "${imported}";\nthing();\n`)).toEqual([]);
  });

  it("lets the SDK import fastify's types and nothing else of it", async () => {
    const file = "sdk/src/planted.ts";
    expect(await rulesBroken(file, 'import { fastify } from "fastify";\nfastify();\n')).toEqual([
      "@typescript-eslint/no-restricted-imports",
    ]);
    expect(
      await rulesBroken(
        file,
        'import type { FastifyInstance } from "fastify";\nexport type A = FastifyInstance;\n',
      ),
    ).toEqual([]);
  });
});

describe("restricted syntax", () => {
  it.each([
    ["gateway/src/planted.ts", "enum Colour { Red }"],
    ["sdk/src/planted.ts", 'export * from "./protocol/headers.ts";'],
    ["registry/src/planted.ts", "export default 1;"],
    ["gateway/src/routes/planted.ts", 'pool.query("select 1");'],
    ["sdk/src/planted.ts", 'pool.query("select 1");'],
  ])("%s may not hold %s", async (file, code) => {
    expect(await rulesBroken(file, `${code}\n`)).toEqual(["no-restricted-syntax"]);
  });

  it.each(["registry/src/planted.ts", "gateway/src/store/planted.ts"])(
    "%s may hold SQL",
    async (file) => {
      expect(await rulesBroken(file, 'pool.query("select 1");\n')).toEqual([]);
    },
  );

  it("keeps the console out of the server", async () => {
    expect(await rulesBroken("gateway/src/planted.ts", 'console.log("x");\n')).toEqual([
      "no-console",
    ]);
  });
});
