import { readFileSync } from "node:fs";
import type { AdminRequest } from "@nexus-mesh/sdk/admin";
import { parseDuration } from "@nexus-mesh/sdk/protocol/duration";
import { Ajv, type ErrorObject } from "ajv";
import { isMap, isScalar, LineCounter, parseDocument, Scalar, visit, type Document } from "yaml";

/** What a file says of a mesh, or a mesh of itself; all defaults filled in. */
export interface Mesh {
  readonly namespaces: Readonly<Record<string, MeshNamespace>>;
  readonly endpoints: Readonly<Record<string, MeshEndpoint>>;
}

export interface MeshNamespace {
  readonly description: string;
  readonly egress: AdminRequest<"putEgressPolicy">["body"]["rules"];
}

type EndpointInput = AdminRequest<"putEndpoint">["body"];

export interface MeshEndpoint {
  readonly owner: string;
  readonly description: string;
  readonly target: EndpointInput["target"];
  readonly policy: NonNullable<EndpointInput["policy"]>;
  readonly grants: Readonly<Record<string, AdminRequest<"putGrant">["body"]>>;
}

type Path = readonly (string | number)[];

export interface MeshFile {
  readonly mesh: Mesh;
  /** `mesh.yaml:7:5`: where the value at the path stands, or else what it would stand in. */
  where(path: Path): string;
}

interface Fault {
  readonly path: Path;
  readonly rule: string;
  readonly detail: string;
}

/** The file is wrong; each line of the message names file, line, place and rule. */
export class MeshFileInvalid extends Error {
  override readonly name = "MeshFileInvalid";
}

const schema = JSON.parse(
  readFileSync(new URL("../mesh.schema.json", import.meta.url), "utf8"),
) as object;
const validate = new Ajv({
  allErrors: true,
  allowUnionTypes: true,
  useDefaults: true,
}).compile<Mesh>(schema);

/**
 * @param name how the messages call it
 * @throws MeshFileInvalid with every fault that was found
 */
export function readMeshFile(
  text: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): MeshFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new MeshFileInvalid(
      document.errors
        .map(({ pos, message }) => `${at(pos[0])}: ${message} (rule: yaml)`)
        .join("\n"),
    );
  }
  const where = (path: Path): string => at(offsetOf(document, path));
  const invalid = (faults: readonly Fault[]): MeshFileInvalid =>
    new MeshFileInvalid(
      faults
        .map(
          ({ path, rule, detail }) =>
            `${where(path)}: ${pointerOf(path)} ${detail} (rule: ${rule})`,
        )
        .join("\n"),
    );
  const unset = interpolate(document, env);
  if (unset.length > 0) {
    throw new MeshFileInvalid(
      unset.map((found) => `${at(found.offset)}: ${found.detail} (rule: environment)`).join("\n"),
    );
  }
  const mesh: unknown = document.toJS() ?? {};
  if (!validate(mesh)) throw invalid(faultsOf(validate.errors ?? []));
  const faults = [...durations(mesh), ...targets(mesh)];
  if (faults.length > 0) throw invalid(faults);
  return { mesh, where };
}

/** Values only, keys stay as they are. */
function interpolate(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
): { offset: number; detail: string }[] {
  const unset: { offset: number; detail: string }[] = [];
  visit(document, {
    Scalar(key, node) {
      const { value } = node;
      if (key === "key" || typeof value !== "string" || !value.includes("$")) return;
      const text = value.replace(
        /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|)/g,
        (whole, variable: string | undefined, fallback: string | undefined) => {
          if (whole === "$$") return "$";
          const found = variable === undefined ? undefined : (env[variable] ?? fallback);
          if (found !== undefined) return found;
          const detail =
            variable === undefined
              ? "a $ stands for itself only as $$; ${NAME} and ${NAME:-default} are variables"
              : `the environment has no ${variable}; set it, or write \${${variable}:-default}`;
          unset.push({ offset: node.range?.[0] ?? 0, detail });
          return "";
        },
      );
      // Without quotes a value has the type that it looks like, as if it had been written there.
      node.value = node.type === Scalar.PLAIN ? plainValue(text) : text;
    },
  });
  return unset;
}

function plainValue(text: string): string | number | boolean | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (text === "null") return null;
  return text === "true" ? true : text === "false" ? false : text;
}

function faultsOf(errors: readonly ErrorObject[]): Fault[] {
  // Of a name Ajv tells twice: what is wrong with it, and that it is therefore none.
  return errors.filter(({ keyword }) => keyword !== "propertyNames").map(faultOf);
}

function faultOf({
  instancePath,
  keyword,
  params,
  propertyName,
  message = "",
}: ErrorObject): Fault {
  const path = pathOf(instancePath);
  const { additionalProperty, missingProperty, allowedValues } = params as Readonly<
    Record<string, unknown>
  >;
  if (propertyName !== undefined)
    return { path: [...path, propertyName], rule: keyword, detail: `as a name ${message}` };
  if (typeof additionalProperty === "string")
    return { path: [...path, additionalProperty], rule: keyword, detail: "is not known here" };
  if (typeof missingProperty === "string")
    return { path: [...path, missingProperty], rule: keyword, detail: "is missing" };
  if (Array.isArray(allowedValues))
    return { path, rule: keyword, detail: `must be one of: ${allowedValues.join(", ")}` };
  return { path, rule: keyword, detail: message };
}

/** The API checks them too, but only when it comes to that endpoint. */
function* durations(mesh: Mesh): Iterable<Fault> {
  for (const [name, { policy }] of Object.entries(mesh.endpoints)) {
    for (const field of ["scheduleToClose", "inlineWait", "dedupeWindow"] as const) {
      const text = policy[field];
      if (text === undefined || parseDuration(text) !== undefined) continue;
      if (field === "scheduleToClose" && text === "none") continue;
      yield {
        path: ["endpoints", name, "policy", field],
        rule: "duration",
        detail: "must be a number with its unit: ms, s or m",
      };
    }
  }
}

/** One object in the API's schema; which of its fields go together it says in words. */
function* targets(mesh: Mesh): Iterable<Fault> {
  for (const [name, { target }] of Object.entries(mesh.endpoints)) {
    const [needed, spare] =
      target.kind === "http" ? (["url", "queue"] as const) : (["queue", "url"] as const);
    const path = ["endpoints", name, "target"];
    if (target[needed] === undefined)
      yield {
        path: [...path, needed],
        rule: "required",
        detail: `is missing: the kind is ${target.kind}`,
      };
    if (target[spare] !== undefined)
      yield {
        path: [...path, spare],
        rule: "kind",
        detail: `does not belong to the kind ${target.kind}`,
      };
  }
}

function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    // The key of a value, for that is what people look for.
    if (isMap(parent)) {
      const pair = parent.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(last),
      );
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === "object" && node !== null && "range" in node)
      return (node.range as readonly number[] | undefined)?.[0] ?? 0;
  }
  return document.contents?.range?.[0] ?? 0;
}

function pathOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointerOf(path: Path): string {
  return path.length === 0 ? "the file" : `/${path.join("/")}`;
}
