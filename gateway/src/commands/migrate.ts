import { migrate } from "@nexus-mesh/registry/migrate";

/** A line for people: what was applied. */
export async function migrateDatabase(databaseUrl: string): Promise<string> {
  const { applied } = await migrate(databaseUrl);
  return applied.length === 0
    ? "The schema is up to date."
    : `Applied ${applied.length === 1 ? "migration" : "migrations"} ${applied.join(", ")}.`;
}
