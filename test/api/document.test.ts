import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { permissions } from "../../gateway/src/identity/permissions.ts";

const root = new URL("../../", import.meta.url);
const run = promisify(execFile);

interface Media {
  readonly schema?: SchemaOrRef;
  readonly example?: unknown;
}
interface SchemaOrRef {
  readonly $ref?: string;
  readonly examples?: unknown[];
  readonly example?: unknown;
}
interface Documented {
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: unknown[];
  readonly parameters?: (Media & { readonly name: string })[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
}

const document = JSON.parse(await readFile(new URL("openapi/openapi.json", root), "utf8")) as {
  paths: Record<string, Record<string, Documented>>;
  components: { schemas: Record<string, SchemaOrRef> };
};
const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const own = routes.filter(({ path }) => path.startsWith("/v1/"));

test("the committed document and types are what the routes say", async () => {
  await run("npx", ["tsx", "openapi/generate.ts", "--check"], { cwd: root });
}, 60_000);

test("redocly's recommended rules find nothing", async () => {
  const { stdout, stderr } = await run("npx", ["redocly", "lint", "openapi/openapi.json"], {
    cwd: root,
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
  expect(stdout + stderr).not.toMatch(/You have \d+ (warning|error)/);
  expect(stdout + stderr).toContain("Your API description is valid");
}, 60_000);

test("the roles' table and the document name the same routes", () => {
  const documented = [
    ...own.map(({ operation }) => operation.operationId),
    "startNexusOperation",
    "cancelNexusOperation",
  ];
  expect(Object.keys(permissions).sort()).toEqual(documented.sort());
});

test.each(routes.map(({ operation }) => [operation.operationId, operation] as const))(
  "%s has a summary and an example",
  (_id, operation) => {
    expect(operation.summary).toMatch(/./);
    const media = [
      ...(operation.parameters ?? []),
      ...Object.values(operation.requestBody?.content ?? {}),
      ...Object.entries(operation.responses)
        .filter(([status]) => status.startsWith("2"))
        .flatMap(([, { content }]) => Object.values(content ?? {})),
    ];
    expect(media.some(hasExample)).toBe(true);
  },
);

test.each(own.map(({ operation }) => [operation.operationId, operation] as const))(
  "%s documents its errors as problems",
  (_id, { responses }) => {
    for (const status of ["400", "401", "403", "500", "503"]) {
      expect(responses).toHaveProperty(status);
    }
    for (const [status, { content }] of Object.entries(responses)) {
      if (!/^[45]/.test(status) || status === "424") continue;
      expect(content).toEqual({
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      });
    }
  },
);

function hasExample({ schema, example }: Media): boolean {
  if (example !== undefined) return true;
  const name = schema?.$ref?.split("/").at(-1);
  const resolved = name === undefined ? schema : document.components.schemas[name];
  return resolved?.example !== undefined || (resolved?.examples?.length ?? 0) > 0;
}
