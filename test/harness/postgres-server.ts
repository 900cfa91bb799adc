import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@nexus-mesh/gateway/dev/embedded-postgres";

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** A throw-away server of the given major version, fast because it never syncs. */
export async function startPostgresServer(major: "15" | "18"): Promise<PostgresServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "nexus-mesh-test-"));
  // Passable for the user that Postgres runs as, so that it needs no other folder when this one is root's.
  await chmod(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({
    dataDir,
    fsync: false,
    settings: { max_connections: "300" },
    ...(major === "15" ? { binaries: postgres15() } : {}),
  });
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function postgres15(): string {
  const name = `postgres-15-${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(name);
  return join(entry.slice(0, entry.lastIndexOf(name) + name.length), "native");
}
