import { migrate } from "@nexus-mesh/registry/migrate";

/** Lines for people: what was applied. */
export async function migrateDatabase(databaseUrl: string): Promise<string[]> {
  const applied = await migrate(databaseUrl);
  return applied.length === 0
    ? ["The schema is up to date."]
    : applied.map((name) => `applied ${String(name)}`);
}
