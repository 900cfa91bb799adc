import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateMasterKey } from "../identity/master-key.ts";

/** The key lies beside the data that it seals: fine on a developer's machine, and only there. */
export async function masterKeyFile(dataDir: string): Promise<{ path: string; key: string }> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, "master-key");
  try {
    const key = generateMasterKey();
    await writeFile(path, `${key}\n`, { mode: 0o600, flag: "wx" });
    return { path, key };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    return { path, key: (await readFile(path, "utf8")).trim() };
  }
}
