/** Migrated once a run; every test file clones it. */
export const templateName = "nexus_mesh_template";

export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
