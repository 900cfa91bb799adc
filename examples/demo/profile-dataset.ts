import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import type { ColumnProfile, DatasetReference, Profile } from "./contract.ts";

/** Steps are slow on purpose: somebody has to have the time to kill the process in the middle of one. */
const stepMs = 700;

interface Stepped<T> {
  readonly value: T;
  /** Which execution of this step produced the value: 2 after a crash in the middle of it. */
  readonly execution: number;
}

type Row = Readonly<Record<string, unknown>>;

/** The workflow that profiles a data set. DBOS keeps each finished step's output and never repeats it. */
export function registerProfileWorkflow(
  sideEffects: string,
): (input: DatasetReference) => Promise<Profile> {
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const stepped = await DBOS.runStep(
      async (): Promise<Stepped<T>> => {
        const execution = recordExecution(sideEffects, DBOS.workflowID ?? "", name);
        await new Promise((resolve) => setTimeout(resolve, stepMs));
        return { value: await work(), execution };
      },
      { name },
    );
    return stepped.value;
  };

  return DBOS.registerWorkflow(
    async ({ dataset }: DatasetReference): Promise<Profile> => {
      const rows = await step("count rows", async () => (await readRows(dataset)).length);
      const names = await step("name columns", async () => columnNames(await readRows(dataset)));
      const missing = await step("find gaps", async () =>
        countMissing(await readRows(dataset), names),
      );
      const distinct = await step("count values", async () =>
        countDistinct(await readRows(dataset), names),
      );
      return {
        dataset,
        rows,
        columns: names.map((name, index): ColumnProfile => ({
          name,
          missing: missing[index] ?? 0,
          distinct: distinct[index] ?? 0,
        })),
      };
    },
    { name: "profileDataset", maxRecoveryAttempts: 100 },
  );
}

/** One line per execution of a step: the effect on the world that a repeat would double. */
function recordExecution(file: string, workflowId: string, step: string): number {
  appendFileSync(file, `${JSON.stringify({ workflowId, step })}\n`);
  return executionsOf(file, workflowId).filter((name) => name === step).length;
}

export function executionsOf(file: string, workflowId: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { workflowId: string; step: string })
    .filter((line) => line.workflowId === workflowId)
    .map((line) => line.step);
}

export async function readRows(dataset: string): Promise<Row[]> {
  if (!/^[a-z0-9-]+\.json$/.test(dataset))
    throw new Error(`"${dataset}" is not a data set of vega-datasets`);
  const folder = join(createRequire(import.meta.url).resolve("vega-datasets"), "../../data");
  return JSON.parse(await readFile(join(folder, dataset), "utf8")) as Row[];
}

export function columnNames(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function countMissing(rows: readonly Row[], names: readonly string[]): number[] {
  return names.map(
    (name) => rows.filter((row) => row[name] === null || row[name] === undefined).length,
  );
}

function countDistinct(rows: readonly Row[], names: readonly string[]): number[] {
  return names.map((name) => new Set(rows.map((row) => JSON.stringify(row[name]))).size);
}
