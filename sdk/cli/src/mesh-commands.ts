import { writeFile } from "node:fs/promises";
import { AdminError } from "@nexus-mesh/sdk/admin";
import { Option } from "commander";
import { exitCodes } from "./exit-code.ts";
import { writeMeshFile } from "./mesh-export.ts";
import { readMeshFile, type MeshFile } from "./mesh-file.ts";
import {
  nameOf,
  planMesh,
  pruneScopes,
  takeStep,
  type Plan,
  type PruneScope,
  type Step,
} from "./mesh-plan.ts";
import { readMeshState } from "./mesh-state.ts";
import { readInput } from "./read-input.ts";
import type { Registration } from "./session.ts";

interface ApplyOptions {
  readonly file: string;
  readonly dryRun?: boolean;
  readonly prune?: PruneScope | true;
}

/** A step was refused; the ones before it are done. */
export class StepRefused extends Error {
  override readonly name = "StepRefused";
  readonly refusal: AdminError;

  constructor(refusal: AdminError, message: string) {
    super(message, { cause: refusal });
    this.refusal = refusal;
  }
}

export function registerMesh({ program, session, terminal, exit }: Registration): void {
  program
    .command("apply")
    .description("make namespaces, egress, endpoints and grants equal to a file (mesh.yaml)")
    .requiredOption("-f, --file <file>", "the file, or - for stdin")
    .option("--dry-run", "only say what would change; exit code 2 if anything would")
    .addOption(
      new Option(
        "--prune [scope]",
        "also delete what the file does not name: endpoints and grants of the teams in it, or all that is not in it",
      ).choices(pruneScopes),
    )
    .action(async (options: ApplyOptions) => {
      const { admin, show } = await session();
      const [source, name] =
        options.file === "-" ? ["-", "stdin"] : [`@${options.file}`, options.file];
      const text = (await readInput(source, terminal)).toString();
      const file = readMeshFile(text, name, terminal.env);
      const { mesh } = file;
      const now = await readMeshState(admin, {
        egress: (namespace) => Object.hasOwn(mesh.namespaces, namespace),
        grants: (endpoint) => Object.hasOwn(mesh.endpoints, endpoint),
      });
      const prune = options.prune === true ? "teams" : options.prune;
      const plan = planMesh(mesh, now, prune);
      if (options.dryRun === true) {
        show(plan, () => planText(plan));
        if (plan.steps.length > 0) exit(exitCodes.usage.code);
        return;
      }
      // Before the first step, so that people see what is about to happen; scripts get one document at the end.
      show(plan, () => planText(plan));
      for (const [n, step] of plan.steps.entries()) {
        await takeStep(admin, step).catch((error: unknown) => {
          throw error instanceof AdminError ? refused(file, plan.steps, n, error) : error;
        });
      }
      if (plan.steps.length > 0) terminal.stderr(`applied: ${counts(plan.steps)}\n`);
    });

  program
    .command("export")
    .description("write the mesh as a file for apply; what the token may not read is left out")
    .option("-o, --output <file>", "where to; default: stdout")
    .option("--owner <namespace>", "only one team: its namespace, egress, endpoints and grants")
    .action(async ({ output, owner }: { output?: string; owner?: string }) => {
      const { admin } = await session();
      const wanted = (namespace: string): boolean => owner === undefined || namespace === owner;
      const now = await readMeshState(admin, {
        egress: wanted,
        grants: (_endpoint, of) => wanted(of),
      });
      const text = writeMeshFile({
        namespaces: only(now.namespaces, (_of, name) => wanted(name)),
        endpoints: only(now.endpoints, (of) => wanted(of.owner)),
      });
      if (output === undefined) terminal.stdout(text);
      else await writeFile(output, text);
    });
}

function refused(
  file: MeshFile,
  steps: readonly Step[],
  n: number,
  error: AdminError,
): StepRefused | AdminError {
  const step = steps[n];
  if (step === undefined) return error;
  const at = (path: readonly string[]): string =>
    step.action === "delete" ? "" : `${file.where(path)}: `;
  const faults = error.errors.map(
    ({ pointer, detail, rule }) =>
      `${at(placeOf(step, pointer))}${pointer} ${detail} (rule: ${rule})`,
  );
  const lines = [
    `${at(step.path)}${nameOf(step)}: ${error.message} (${error.code})`,
    ...faults,
    `${n} of ${steps.length} steps are done; mend it and apply again`,
  ];
  return new StepRefused(error, lines.join("\n"));
}

/** Of the API's pointer into the body, the path in the file. */
function placeOf(step: Step, pointer: string): readonly string[] {
  const [, ...parts] = pointer.split("/");
  // `/rules/0/host` of an egress policy is a list in the file.
  return [...step.path, ...(step.kind === "egress" ? parts.slice(1) : parts)];
}

const signs = { create: "+", change: "~", delete: "-" } as const;

function planText({ steps, unnamed }: Plan): string {
  const lines = steps.flatMap((step) => [
    `${signs[step.action]} ${nameOf(step)}`,
    ...step.changes.map(({ field, from, to }) =>
      step.action === "create"
        ? `    ${field}: ${shown(to)}`
        : `    ${field}: ${shown(from)} → ${shown(to)}`,
    ),
  ]);
  const kept = unnamed.map((name) => `  ${name} is not in the file and stays; --prune deletes it`);
  const summary = steps.length === 0 ? "nothing to change" : `plan: ${counts(steps)}`;
  return `${[...lines, ...kept, summary].join("\n")}\n`;
}

function shown(value: unknown): string {
  return value === undefined ? "-" : JSON.stringify(value);
}

function counts(steps: readonly Step[]): string {
  const of = (action: Step["action"]): number =>
    steps.filter((step) => step.action === action).length;
  return `${of("create")} to create, ${of("change")} to change, ${of("delete")} to delete`;
}

function only<T>(
  of: Readonly<Record<string, T>>,
  matches: (item: T, name: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(of).filter(([name, item]) => matches(item, name)));
}
