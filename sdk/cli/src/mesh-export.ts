import { stringify } from "yaml";
import { readMeshFile, type Mesh, type MeshEndpoint } from "./mesh-file.ts";

/** The text of a file whose `apply` changes nothing: names in order, defaults left out. */
export function writeMeshFile(mesh: Mesh): string {
  const namespaces = sorted(mesh.namespaces, ({ description, egress }) => ({
    ...(description === "" ? {} : { description }),
    ...(egress.length === 0 ? {} : { egress: egress.map(withoutDefaults) }),
  }));
  const endpoints = sorted(mesh.endpoints, (endpoint) => ({
    owner: endpoint.owner,
    ...(endpoint.description === "" ? {} : { description: endpoint.description }),
    target: endpoint.target,
    ...given("policy", policyOf(endpoint)),
    ...given("grants", sorted(endpoint.grants, withoutDefaults)),
  }));
  const text = stringify(escaped({ namespaces, endpoints }), {
    lineWidth: 100,
    aliasDuplicateObjects: false,
  });
  return `# yaml-language-server: $schema=node_modules/@nexus-mesh/cli/mesh.schema.json\n${text}`;
}

/** Of a file that says nothing of it: one place knows the defaults, the schema. */
const defaultPolicy = ((): Readonly<Record<string, unknown>> => {
  const probe = '{"endpoints":{"probe":{"owner":"probe","target":{"kind":"http","url":""}}}}';
  return readMeshFile(probe, "", {}).mesh.endpoints["probe"]?.policy ?? {};
})();

function policyOf({ policy }: MeshEndpoint): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(policy).filter(([name, value]) => defaultPolicy[name] !== value),
  );
}

/** An empty list, `*` and false are what they are when they are left out. */
function withoutDefaults(item: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).filter(
      ([name, value]: [string, unknown]) =>
        value !== false &&
        !(Array.isArray(value) && value.length === 0) &&
        !(value === "*" && (name === "service" || name === "operation")),
    ),
  );
}

function sorted<T>(
  of: Readonly<Record<string, T>>,
  write: (item: T) => Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(of)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, write(item)]),
  );
}

function given(name: string, value: Record<string, unknown>): Record<string, unknown> {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

/** A `$` in a value would be read as a variable's. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, escaped(item)]));
}
