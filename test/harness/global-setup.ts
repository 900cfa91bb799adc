import { migrate } from "@nexus-mesh/registry/migrate";
import { ensurePartitions } from "@nexus-mesh/registry/partitions";
import { Client, Pool } from "pg";
import type { TestProject } from "vitest/node";
import { startPostgresServer, type PostgresServer } from "./postgres-server.ts";
import { databaseUrl, templateName } from "./template-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

let server: PostgresServer | undefined;

/**
 * One real Postgres for the whole run, with a migrated template that each test file clones. Who runs a suite many times
 * gives them one with NEXUS_MESH_TEST_POSTGRES.
 */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env["NEXUS_MESH_TEST_POSTGRES"];
  if (given === undefined) {
    server = await startPostgresServer(process.env["NEXUS_MESH_POSTGRES"] === "15" ? "15" : "18");
    await makeTemplate(server.url);
  }
  project.provide("postgresUrl", given ?? server?.url ?? "");
}

/** Called also when the setup failed halfway. */
export async function teardown(): Promise<void> {
  await server?.stop();
}

export async function makeTemplate(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`create database ${templateName}`);
  await client.end();
  const url = databaseUrl(serverUrl, templateName);
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    await migrate(url);
    await ensurePartitions(pool, { now: Date.now() });
  } finally {
    await pool.end();
  }
}
