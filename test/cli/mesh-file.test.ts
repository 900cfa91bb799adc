import fc from "fast-check";
import { expect, test } from "vitest";
import { writeMeshFile } from "../../sdk/cli/src/mesh-export.ts";
import { MeshFileInvalid, readMeshFile } from "../../sdk/cli/src/mesh-file.ts";

function faultsOf(text: string): string[] {
  try {
    readMeshFile(text, "mesh.yaml", {});
  } catch (error) {
    if (error instanceof MeshFileInvalid) return error.message.split("\n");
    throw error;
  }
  return [];
}

const endpoint = (more: string): string => `endpoints:\n  analytics:\n    owner: insights\n${more}`;

test.each([
  ["YAML", "namespaces: [", "1:14", "yaml"],
  ["a key twice", "namespaces:\n  a1: {}\n  a1: {}", "3:3", "yaml"],
  ["an unknown field", "namespaces:\n  insights:\n    egres: []", "3:5", "additionalProperties"],
  ["a name", "namespaces:\n  In sights: {}", "2:3", "pattern"],
  ["a missing field", endpoint("    description: x"), "2:3", "required"],
  ["a wrong kind", endpoint("    target: { kind: ftp, url: x }"), "4:15", "enum"],
  ["a wrong type", endpoint("    target: { kind: http, url: 7 }"), "4:27", "type"],
  ["a target without its URL", endpoint("    target: { kind: http }"), "4:5", "required"],
  ["a queue with a URL", endpoint("    target: { kind: queue, queue: a, url: x }"), "4:38", "kind"],
  [
    "a duration",
    endpoint("    target: { kind: http, url: x }\n    policy:\n      inlineWait: 1 day"),
    "6:7",
    "duration",
  ],
  ["a variable", "namespaces:\n  insights:\n    description: a ${NOT_SET}", "3:18", "environment"],
  ["a lone $", "namespaces:\n  insights:\n    description: 5$ a call", "3:18", "environment"],
])("%s: the message names file, line and rule", (_what, text, at, rule) => {
  const lines = faultsOf(text);
  const named = lines.filter(
    (line) => line.startsWith(`mesh.yaml:${at}: `) && line.endsWith(`(rule: ${rule})`),
  );
  expect(named, lines.join("\n")).not.toEqual([]);
});

test("all faults of a file at once", () => {
  const text = endpoint("    target: { kind: ftp }\n    policy: { durable: 1, x: 2 }");
  expect(faultsOf(text)).toHaveLength(3);
});

test("variables, defaults and dollars, in values of their own type", () => {
  const text = `
namespaces:
  insights:
    description: "\${GREETING}, \${NOBODY:-nobody}: 5$$"
    egress:
      - host: "*"
        ports:
          - \${PORT}
        plainHttp: \${PLAIN:-true}
`;
  const { mesh } = readMeshFile(text, "mesh.yaml", { GREETING: "12", PORT: "8080" });
  expect(mesh.namespaces["insights"]).toEqual({
    description: "12, nobody: 5$",
    egress: [{ host: "*", ports: [8080], cidrs: [], plainHttp: true }],
  });
});

test("what is written is read back as it was", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/);
  const pattern = fc.oneof(
    fc.constant("*"),
    text.filter((value) => value !== ""),
  );
  const mesh = fc.record({
    namespaces: fc.dictionary(
      name,
      fc.record({
        description: text,
        egress: fc.array(
          fc.record({
            host: text.filter((value) => value !== ""),
            ports: fc.array(fc.nat(65_535), { maxLength: 3 }),
            cidrs: fc.array(text, { maxLength: 2 }),
            plainHttp: fc.boolean(),
          }),
          { maxLength: 3 },
        ),
      }),
      { maxKeys: 3 },
    ),
    endpoints: fc.dictionary(
      name,
      fc.record({
        owner: name,
        description: text,
        target: fc.record({ kind: fc.constant("http" as const), url: text }),
        policy: fc.record({
          scheduleToClose: fc.constantFrom("none", "86400s", "7s"),
          inlineWait: fc.constantFrom("1s", "500ms"),
          maxAttempts: fc.option(fc.integer({ min: 1, max: 9 })),
          dedupeWindow: fc.constantFrom("86400s", "7200s"),
          durable: fc.boolean(),
        }),
        grants: fc.dictionary(
          name,
          fc.record({
            caller: fc.constantFrom("*", "storefront"),
            service: pattern,
            operation: pattern,
          }),
          { maxKeys: 3 },
        ),
      }),
      { maxKeys: 3 },
    ),
  });
  fc.assert(
    fc.property(mesh, (given) => {
      const { mesh: read } = readMeshFile(writeMeshFile(given), "mesh.yaml", {});
      expect(read).toEqual(given);
    }),
    { numRuns: 300 },
  );
});
