import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import type { ColumnProfile, DatasetReference, Profile } from "./contract.ts";

/** Steps are slow on purpose: somebody has to have the time to kill the process in the middle of one. */
const stepMs = 700;

export interface Stepped<T> {
  readonly value: T;
  /** Which execution of this step produced the value: 2 after a crash in the middle of it. */
  readonly execution: number;
}

type Row = Readonly<Record<string, unknown>>;

/** The workflow that profiles a data set. DBOS keeps each finished step's output and never repeats it. */
export function registerProfileWorkflow(
  sideEffects: string,
): (input: DatasetReference, order: string) => Promise<Profile> {
  return DBOS.registerWorkflow(
    async ({ dataset }: DatasetReference, order: string): Promise<Profile> => {
      const step = async <T>(name: string, work: (rows: Row[]) => T): Promise<T> => {
        const stepped = await DBOS.runStep(
          async (): Promise<Stepped<T>> => {
            const execution = recordExecution(sideEffects, order, name);
            await new Promise((resolve) => setTimeout(resolve, stepMs));
            return { value: work(await readRows(dataset)), execution };
          },
          { name },
        );
        return stepped.value;
      };
      const rows = await step("count rows", (all) => all.length);
      const names = await step("name columns", columnNames);
      const missing = await step("find gaps", (all) => countMissing(all, names));
      const distinct = await step("count values", (all) => countDistinct(all, names));
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
interface SideEffect {
  readonly order: string;
  readonly step: string;
  readonly workflowId: string;
}

function recordExecution(file: string, order: string, step: string): number {
  const effect: SideEffect = { order, step, workflowId: DBOS.workflowID ?? "" };
  appendFileSync(file, `${JSON.stringify(effect)}\n`);
  return sideEffectsOf(file, order).filter((one) => one.step === step).length;
}

export function sideEffectsOf(file: string, order: string): SideEffect[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SideEffect)
    .filter((effect) => effect.order === order);
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
