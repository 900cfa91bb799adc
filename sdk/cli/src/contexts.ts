import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";

/** Where commands go, and as whom. */
export interface Context {
  readonly url: string;
  readonly token: string;
  /** Sent as `Nexus-Mesh-Namespace`: needed where the token acts for several. */
  readonly namespace?: string | undefined;
}

export interface ContextsFile {
  readonly current: string | undefined;
  readonly contexts: Readonly<Record<string, Context>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function contextsPath(env: Environment = process.env): string {
  return path.join(
    env["XDG_CONFIG_HOME"] ?? path.join(env["HOME"] ?? homedir(), ".config"),
    "nexus-mesh",
    "contexts.json",
  );
}

export async function readContexts(env: Environment = process.env): Promise<ContextsFile> {
  let text: string;
  try {
    text = await readFile(contextsPath(env), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return { current: undefined, contexts: {} };
    throw error;
  }
  try {
    return JSON.parse(text) as ContextsFile;
  } catch (error) {
    throw new Error(`${contextsPath(env)} is not JSON: mend or delete it`, { cause: error });
  }
}

export async function readContext(
  name: string,
  env: Environment = process.env,
): Promise<Context | undefined> {
  return (await readContexts(env)).contexts[name];
}

/** Only its owner may read it: it holds tokens. Written beside and renamed, so that no reader sees half of it. */
export async function saveContext(
  name: string,
  context: Context,
  env: Environment = process.env,
): Promise<void> {
  const { contexts } = await readContexts(env);
  await write({ current: name, contexts: { ...contexts, [name]: context } }, env);
}

export async function useContext(name: string, env: Environment = process.env): Promise<boolean> {
  const { contexts } = await readContexts(env);
  if (contexts[name] === undefined) return false;
  await write({ current: name, contexts }, env);
  return true;
}

async function write(file: ContextsFile, env: Environment): Promise<void> {
  const target = contextsPath(env);
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
  const partial = `${target}.${process.pid}`;
  await writeFile(partial, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await chmod(partial, 0o600);
  await rename(partial, target);
}

/**
 * `--context`, then the environment, then the current context. A URL alone is refused: a saved token is sent nowhere
 * but where it was saved for.
 */
export async function chooseContext(
  wanted: string | undefined,
  env: Environment,
): Promise<Context> {
  const url = wanted === undefined ? env["NEXUS_MESH_URL"] : undefined;
  const token = wanted === undefined ? env["NEXUS_MESH_TOKEN"] : undefined;
  if (url !== undefined) {
    if (token === undefined)
      throw new NoContext("NEXUS_MESH_URL is set without NEXUS_MESH_TOKEN: set both, or neither");
    return { url, token, namespace: env["NEXUS_MESH_NAMESPACE"] };
  }
  const { current, contexts } = await readContexts(env);
  const name = wanted ?? current;
  const context = name === undefined ? undefined : contexts[name];
  if (context === undefined) {
    throw new NoContext(
      name === undefined
        ? "no context is saved yet: run nexus-mesh context set NAME --url URL (the token comes from stdin), or set NEXUS_MESH_URL and NEXUS_MESH_TOKEN"
        : `there is no context "${name}": nexus-mesh context list shows what there is`,
    );
  }
  return {
    ...context,
    token: token ?? context.token,
    namespace: env["NEXUS_MESH_NAMESPACE"] ?? context.namespace,
  };
}

export class NoContext extends Error {
  override readonly name = "NoContext";
}
