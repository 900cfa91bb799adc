import { isDeepStrictEqual } from "node:util";
import type { AdminClient } from "@nexus-mesh/sdk/admin";
import { parseDuration } from "@nexus-mesh/sdk/protocol/duration";
import type { Mesh, MeshEndpoint, MeshNamespace } from "./mesh-file.ts";
import type { MeshState } from "./mesh-state.ts";

/** How much that the file does not name goes: grants and endpoints of the teams that it names, or all that is not in it. */
export const pruneScopes = ["teams", "all"] as const;
export type PruneScope = (typeof pruneScopes)[number];

interface Change {
  /** `policy.durable`; as JSON, `undefined` where there was or will be nothing. */
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

interface StepBase {
  readonly action: "create" | "change" | "delete";
  /** Where the file says so; of a deletion nowhere. */
  readonly path: readonly string[];
  readonly changes: readonly Change[];
}

export type Step = StepBase &
  (
    | { readonly kind: "namespace"; readonly name: string; readonly to: MeshNamespace | undefined }
    | {
        readonly kind: "egress";
        readonly name: string;
        readonly to: MeshNamespace["egress"];
        readonly version: number | undefined;
      }
    | {
        readonly kind: "endpoint";
        readonly name: string;
        readonly to: MeshEndpoint | undefined;
        readonly version: number | undefined;
      }
    | {
        readonly kind: "grant";
        readonly name: string;
        readonly endpoint: string;
        readonly to: MeshEndpoint["grants"][string] | undefined;
      }
  );

export interface Plan {
  /** In the order in which they can be done: what others stand on first, and last of all deleted. */
  readonly steps: readonly Step[];
  /** What the file does not name and stays, for nothing said that it should go: `grant old of analytics`. */
  readonly unnamed: readonly string[];
}

/** Which of a team's things the file is about. */
function isNamed(file: Mesh, owner: string): boolean {
  return (
    Object.hasOwn(file.namespaces, owner) ||
    Object.values(file.endpoints).some((endpoint) => endpoint.owner === owner)
  );
}

/** The steps that make `now` equal to the file. */
export function planMesh(file: Mesh, now: MeshState, prune: PruneScope | undefined): Plan {
  const puts = [
    ...Object.entries(file.namespaces).flatMap(([name, to]) => putNamespace(now, name, to)),
    ...Object.entries(file.endpoints).flatMap(([name, to]) => putEndpoint(now, name, to)),
  ];
  const spare = [
    ...spareGrants(file, now),
    ...spareEndpoints(file, now),
    ...spareNamespaces(file, now),
  ];
  const goes = (step: Step): boolean =>
    prune === "all" || (prune === "teams" && step.kind !== "namespace" && isTeams(file, now, step));
  const mattering = spare.filter((step) => step.kind !== "namespace" && isTeams(file, now, step));
  return {
    steps: [...puts, ...spare.filter(goes)],
    unnamed: mattering.filter((step) => !goes(step)).map(nameOf),
  };
}

/** `endpoint analytics`, `grant storefront-may of analytics`. */
export function nameOf(step: Step): string {
  return step.kind === "grant"
    ? `grant ${step.name} of ${step.endpoint}`
    : `${step.kind === "egress" ? "egress of" : step.kind} ${step.name}`;
}

export async function takeStep(admin: AdminClient, step: Step): Promise<void> {
  switch (step.kind) {
    case "namespace": {
      const path = { namespace: step.name };
      if (step.to === undefined) await admin.call("deleteNamespace", { path });
      else
        await admin.call("putNamespace", {
          path,
          ...condition(step, undefined),
          body: { description: step.to.description },
        });
      return;
    }
    case "egress": {
      const path = { namespace: step.name };
      // Of a namespace that this run has made.
      const version = step.version ?? (await admin.call("getEgressPolicy", { path })).version;
      await admin.call("putEgressPolicy", {
        path,
        headers: { "if-match": `"${version}"` },
        body: { rules: step.to },
      });
      return;
    }
    case "endpoint": {
      const path = { endpoint: step.name };
      const conditional = condition(step, step.version);
      if (step.to === undefined) {
        await admin.call("deleteEndpoint", { path, ...conditional });
        return;
      }
      const { owner, description, target, policy } = step.to;
      await admin.call("putEndpoint", {
        path,
        ...conditional,
        body: { owner, description, target, policy },
      });
      return;
    }
    case "grant": {
      const path = { endpoint: step.endpoint, grant: step.name };
      if (step.to === undefined) await admin.call("deleteGrant", { path });
      else await admin.call("putGrant", { path, body: step.to });
    }
  }
}

/** Whoever changed it since it was read is not overwritten. */
function condition(
  { action }: Step,
  version: number | undefined,
): { headers?: { "if-match"?: string; "if-none-match"?: string } } {
  if (action === "create") return { headers: { "if-none-match": "*" } };
  return version === undefined ? {} : { headers: { "if-match": `"${version}"` } };
}

function putNamespace(now: MeshState, name: string, to: MeshNamespace): Step[] {
  const from = now.namespaces[name];
  const path = ["namespaces", name];
  const described = compare({ description: from?.description }, { description: to.description });
  const rules = compare({ rules: from?.egress ?? [] }, { rules: to.egress });
  return [
    ...(from !== undefined && described.length === 0
      ? []
      : [
          {
            kind: "namespace",
            action: from === undefined ? "create" : "change",
            name,
            path,
            to,
            changes: described,
          } as const,
        ]),
    ...(rules.length === 0
      ? []
      : [
          {
            kind: "egress",
            action: "change",
            name,
            path: [...path, "egress"],
            to: to.egress,
            version: from?.egressVersion,
            changes: rules,
          } as const,
        ]),
  ];
}

function putEndpoint(now: MeshState, name: string, to: MeshEndpoint): Step[] {
  const from = now.endpoints[name];
  const path = ["endpoints", name];
  const changes = compare(from === undefined ? {} : settings(from), settings(to));
  const steps: Step[] = [];
  if (from === undefined || changes.length > 0) {
    const action = from === undefined ? "create" : "change";
    steps.push({ kind: "endpoint", action, name, path, to, version: from?.version, changes });
  }
  for (const [id, grant] of Object.entries(to.grants)) {
    const had = from?.grants[id];
    const differs = compare({ ...had }, { ...grant });
    if (had !== undefined && differs.length === 0) continue;
    steps.push({
      kind: "grant",
      action: had === undefined ? "create" : "change",
      name: id,
      endpoint: name,
      path: [...path, "grants", id],
      to: grant,
      changes: differs,
    });
  }
  return steps;
}

function settings({ owner, description, target, policy }: MeshEndpoint): Record<string, unknown> {
  return { owner, description, target, policy };
}

const gone = { action: "delete", path: [], to: undefined, changes: [] } as const;

function spareGrants(file: Mesh, now: MeshState): Step[] {
  return Object.entries(now.endpoints).flatMap(([endpoint, { grants }]) => {
    const kept = file.endpoints[endpoint]?.grants;
    // Those of an endpoint that goes, go with it.
    if (kept === undefined) return [];
    return Object.keys(grants)
      .filter((id) => !Object.hasOwn(kept, id))
      .map((name) => ({ ...gone, kind: "grant", name, endpoint }) as const);
  });
}

function spareEndpoints(file: Mesh, now: MeshState): Step[] {
  return Object.entries(now.endpoints)
    .filter(([name]) => !Object.hasOwn(file.endpoints, name))
    .map(([name, { version }]) => ({ ...gone, kind: "endpoint", name, version }) as const);
}

function spareNamespaces(file: Mesh, now: MeshState): Step[] {
  return Object.keys(now.namespaces)
    .filter((name) => !Object.hasOwn(file.namespaces, name))
    .map((name) => ({ ...gone, kind: "namespace", name }) as const);
}

function isTeams(file: Mesh, now: MeshState, step: Step): boolean {
  if (step.kind === "grant") return true;
  const owner = now.endpoints[step.name]?.owner;
  return owner !== undefined && isNamed(file, owner);
}

/** The leaves that differ; lists count as one, durations by their length. */
function compare(from: unknown, to: unknown, field = ""): Change[] {
  if (isDeepStrictEqual(from, to) || (field !== "" && sameDuration(from, to))) return [];
  if (!isRecord(to) || (from !== undefined && !isRecord(from))) return [{ field, from, to }];
  const had: Readonly<Record<string, unknown>> = from ?? {};
  return [...new Set([...Object.keys(had), ...Object.keys(to)])].flatMap((key) =>
    compare(had[key], to[key], field === "" ? key : `${field}.${key}`),
  );
}

function sameDuration(from: unknown, to: unknown): boolean {
  if (typeof from !== "string" || typeof to !== "string") return false;
  const [was, will] = [parseDuration(from), parseDuration(to)];
  return was !== undefined && was === will;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
